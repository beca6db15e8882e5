"""The dashboard, its API, the app's installation and the operator console."""
