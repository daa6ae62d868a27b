"""Invoices and credit notes: gapless per issuer, never edited."""
