"""How a mail is written: words, calendar entry, signed links, letter, message."""
