"""Who may commit a firm to how much: policies, mandates with reserved funds, approvals."""
