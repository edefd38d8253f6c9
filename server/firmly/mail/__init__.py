"""Outgoing mail: letters, their templates, the SMTP server and the queue before it. Bodies never land."""
