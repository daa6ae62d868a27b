"""Who is asking: sessions, origins, rates and the headers that guard a browser."""
