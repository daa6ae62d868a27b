"""Tables that people keep in spreadsheets, read from files and written to them: CSV and XLSX."""
