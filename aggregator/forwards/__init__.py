"""Forward orders: different buyers' months, bundled into one negotiation with suppliers."""
