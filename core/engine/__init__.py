"""How a reply is made: draft, verify, accept, over two KV caches; no process, no pipe."""
