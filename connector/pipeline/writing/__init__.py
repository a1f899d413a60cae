"""What leaves for others than customers: changes become CRM writes, truth about sends, `notify:` calls."""
