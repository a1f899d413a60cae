"""Who somebody is and what they agreed to: found in the CRM, consent, export and erasure."""
