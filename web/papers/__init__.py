"""Documents that people print and sign, as PDF in the language asked for."""
