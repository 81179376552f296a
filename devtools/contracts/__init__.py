"""The contracts of `shared/contracts/*/feature.yaml`, and what is generated from them."""
