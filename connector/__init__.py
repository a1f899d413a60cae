"""A WhatsApp reply changes the right CRM field; a CRM event sends the right WhatsApp template, once."""
