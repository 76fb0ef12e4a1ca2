"""The words of the generated catalogue: brands, garments, colours, materials, as a French fashion shop has them."""

from __future__ import annotations

from dataclasses import dataclass

BRANDS = (
    "Armor & Fils", "Atelier Rivoli", "Belle de Brume", "Cabane 17", "Capucine Morel", "Chantereine", "Côté Canal",
    "Demoiselle Jeanne", "Esprit Lainier", "Fil à Fil", "Galerie Sainte-Anne", "Héloïse & Cie", "Île de Sein",
    "Jules Ferrand", "La Malle aux Étoffes", "Le Marcheur", "Les Petits Cailloux", "Maison Delorme", "Marius Blanc",
    "Nuit d'Été", "Œillet Rouge", "Petit Matelot", "Quai Voltaire", "Rose Thélème", "Saint-Malo Tricots", "Tilleul",
    "Un Dimanche à Lyon", "Villa Mirabelle",
)  # fmt: skip

MODELS = (
    "Adèle", "Agathe", "Albane", "Alizé", "Apolline", "Aurore", "Basile", "Blanche", "Camille", "Capri", "Célestin",
    "Clémence", "Colombe", "Cyprien", "Daphné", "Éloi", "Émile", "Estérel", "Eugénie", "Félix", "Florette", "Gabin",
    "Garance", "Hortense", "Iris", "Isidore", "Joséphine", "Jules", "Juliette", "Léonie", "Louise", "Lubéron",
    "Madeleine", "Marius", "Mathilde", "Noé", "Octave", "Ondine", "Pauline", "Prune", "Raphaël", "Romane", "Solène",
    "Suzanne", "Théo", "Valentine", "Victoire", "Violette", "Yvonne", "Zélie",
)  # fmt: skip

COLOURS = {
    "Noir": "#151515", "Blanc": "#fafafa", "Écru": "#f3ead8", "Ivoire": "#fffbea", "Beige": "#d8c3a5",
    "Sable": "#d9c7a0", "Camel": "#b5824c", "Taupe": "#86796c", "Gris chiné": "#9a9a9a", "Gris perle": "#cfd0d2",
    "Anthracite": "#383a3d", "Bleu marine": "#1c2a4a", "Bleu ciel": "#9cc7e8", "Bleu roi": "#1e47b0",
    "Bleu nuit": "#12193a", "Bleu pétrole": "#1d5468", "Denim brut": "#26324d", "Denim délavé": "#7890b0",
    "Turquoise": "#30b5b0", "Vert sapin": "#164a35", "Vert d'eau": "#b7dccb", "Kaki": "#6a6a45", "Olive": "#77773a",
    "Amande": "#b9cfa0", "Moutarde": "#d1a01f", "Jaune paille": "#ecd98a", "Curry": "#c68b1f", "Orange": "#e5752c",
    "Terracotta": "#b95c3c", "Rouille": "#9a4523", "Corail": "#f0795f", "Rouge": "#bb1f2d", "Bordeaux": "#5d1425",
    "Framboise": "#b3174f", "Rose poudré": "#e8c5c1", "Vieux rose": "#b98087", "Fuchsia": "#cf2482",
    "Lilas": "#c3a6d8", "Prune": "#4f2347", "Aubergine": "#371a33", "Chocolat": "#4b2e20", "Cognac": "#96552a",
    "Doré": "#c9a23f", "Argenté": "#bfc3c7",
}  # fmt: skip
"""Colour names and how to draw them."""

MATERIALS = {
    "knit": ("100 % laine mérinos", "70 % laine, 30 % cachemire", "50 % coton, 50 % acrylique", "100 % alpaga"),
    "light": ("100 % coton biologique", "100 % lin", "100 % viscose", "55 % lin, 45 % coton", "100 % soie"),
    "denim": ("99 % coton, 1 % élasthanne", "100 % coton", "80 % coton recyclé, 20 % coton"),
    "warm": ("70 % laine, 30 % polyamide", "100 % polyester recyclé", "80 % laine, 20 % cachemire"),
    "leather": ("Cuir de vachette", "Cuir d'agneau, doublure coton", "Croûte de cuir"),
    "other": ("Laiton doré à l'or fin", "100 % soie", "Papier"),
}

CARE = ("Lavage à 30 °C", "Lavage à la main", "Nettoyage à sec uniquement", "Lavage à 40 °C", "Ne pas laver")
SEASONS = ("AH26", "PE26", "PE27", "Permanent")
ORIGINS = ("France", "Portugal", "Italie", "Tunisie")


@dataclass(frozen=True)
class Garment:
    """One kind of article."""

    noun: str
    rfs: tuple[str, str | None, str | None]
    grid: str | None
    """A size grid's code; None: single size."""
    price: int
    """Euros including tax, about."""
    weight_kg: str | None
    silhouette: str
    material: str
    """A key of `MATERIALS`."""


GARMENTS = (
    Garment("Pull", ("F", "10", "01"), "ALPHA", 79, "0.420", "top", "knit"),
    Garment("Gilet", ("F", "10", "02"), "ALPHA", 89, "0.480", "top", "knit"),
    Garment("Robe courte", ("F", "20", "01"), "FEMME", 99, "0.350", "dress", "light"),
    Garment("Robe longue", ("F", "20", "02"), "FEMME", 129, "0.450", "dress", "light"),
    Garment("Jean", ("F", "30", "01"), "JEANS", 95, "0.600", "trousers", "denim"),
    Garment("Pantalon", ("F", "30", "02"), "FEMME", 85, "0.420", "trousers", "light"),
    Garment("Chemisier", ("F", "40", "01"), "FEMME", 75, "0.220", "top", "light"),
    Garment("T-shirt", ("F", "40", "02"), "ALPHA", 29, "0.160", "top", "light"),
    Garment("Manteau", ("F", "50", None), "FEMME", 249, "1.400", "coat", "warm"),
    Garment("Bottines", ("F", "60", "01"), "POINTURE", 159, "0.950", "shoe", "leather"),
    Garment("Escarpins", ("F", "60", "02"), "POINTURE", 119, "0.700", "shoe", "leather"),
    Garment("Pull", ("H", "10", "01"), "ALPHA", 85, "0.520", "top", "knit"),
    Garment("Jean droit", ("H", "30", "01"), "JEANS", 99, "0.700", "trousers", "denim"),
    Garment("Chino", ("H", "30", "02"), "JEANS", 79, "0.550", "trousers", "light"),
    Garment("Chemise", ("H", "40", "01"), "ALPHA", 69, "0.280", "top", "light"),
    Garment("T-shirt", ("H", "40", "02"), "ALPHA", 25, "0.180", "top", "light"),
    Garment("Caban", ("H", "50", None), "ALPHA", 289, "1.700", "coat", "warm"),
    Garment("Derbies", ("H", "60", "01"), "POINTURE", 175, "1.100", "shoe", "leather"),
    Garment("Baskets", ("H", "60", "02"), "POINTURE", 110, "0.900", "shoe", "leather"),
    Garment("Robe à smocks", ("E", "10", "01"), "ENFANT", 45, "0.200", "dress", "light"),
    Garment("Marinière", ("E", "20", "01"), "ENFANT", 29, "0.150", "top", "light"),
    Garment("Gigoteuse", ("E", "30", None), None, 59, "0.400", "dress", "light"),
    Garment("Sac", ("A", "10", "01"), None, 135, "0.800", "bag", "leather"),
    Garment("Ceinture", ("A", "10", "02"), "TU", 39, "0.180", "accessory", "leather"),
    Garment("Foulard", ("A", "20", None), None, 35, None, "accessory", "other"),
    Garment("Collier", ("A", "30", "01"), None, 49, None, "accessory", "other"),
)

BOOK = Garment("Livre « Cent ans de mode à Lyon »", ("L", None, None), None, 32, "0.900", "accessory", "other")
