"""Values of the core → text for people, agents and programs. Nothing here prints or reads."""
