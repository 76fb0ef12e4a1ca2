"""The PrestaShop webservice, spoken: the adapter behind the port `Shop`.

What PrestaShop does is written in the sheets that the docstrings quote as "measured, section N". The modules:
`resources` (what each resource is made of), `xml` (records to XML and back), `queries` (filters and pages as URLs),
`protocol` (what an answer means), `merge` (a PUT that loses nothing), `settings` (the shop's configuration),
`batches` (how much fits in five seconds), and `shop`, which alone does I/O, through `lcvsync.transport`.
"""

from lcvsync.prestashop.shop import WebserviceShop, authorization

__all__ = ["WebserviceShop", "authorization"]
