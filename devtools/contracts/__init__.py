"""The contracts, read from `shared/contracts/*/feature.yaml`, and what is generated from them."""
