"""The serving front, a process of its own: it checks, queues, caches and balances requests, and relays them to engines byte for byte."""
