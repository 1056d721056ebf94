"""Everything that is not a screen: settings, protocol, engine, process, models."""
