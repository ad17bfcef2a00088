"""The tools that headstart is measured against, each a program that runs in an environment of its own and knows nothing of headstart."""
