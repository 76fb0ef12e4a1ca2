"""lcvsync keeps a PrestaShop shop and an LCV fashion back office in step."""

__version__ = "0.1.0"
