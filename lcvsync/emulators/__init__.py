"""An LCV back office and a PrestaShop webservice on loopback, for the demo and the tests.

They share no code with the adapters, so that they share no mistakes.
"""
