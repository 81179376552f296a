"""Contract files as tests and devtools read them. Services read `shared.kit.contract_registry`."""
