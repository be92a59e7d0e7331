"""Criteria of the WhatsApp CRM, one file per area."""
