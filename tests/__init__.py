"""The tests: unit, contracts, integration, journeys; golden holds stored documents."""
