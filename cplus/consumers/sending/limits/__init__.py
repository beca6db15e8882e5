"""What may be sent: by SES's account, by one shop of it, and through our own domain."""
