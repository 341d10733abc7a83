"""The agent: what a server does beside answering, in a process of its own."""
