package provision

func cargoLibraries() []Library { return nil }
