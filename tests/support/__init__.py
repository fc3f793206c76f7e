"""What the tests share: networks, landscapes, workflows made small, stand-ins."""
