"""What merchants do about personal data: requests, exports, erasures."""
