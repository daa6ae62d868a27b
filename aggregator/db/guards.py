"""What every session of this program is bound by, whatever server it talks to.

A frozen or forgotten process must lose its locks: the journal's primary key under the stream
lock is the referee, and these limits are what makes a stale referee's whistle harmless.
"""

from __future__ import annotations

SESSION_GUARDS = {
    "idle_in_transaction_session_timeout": "5s",
    "lock_timeout": "3s",
    "statement_timeout": "30s",
}
"""Server settings by name, for the server's command line and for each connection."""
