"""Made-up people: names put together from lists of common given names and surnames of many languages.

The second generator of personal names; the first is Faker, which nothing was tuned with but the last check.
"""

from collections.abc import Iterator
from random import Random

PEOPLE = {
    "FI": ("Matti Liisa Antti Kaisa Juhani", "Virtanen Korhonen Nieminen Laine Heikkinen Koskinen"),
    "SE": ("Erik Anna Lars Karin Nils", "Andersson Johansson Lindberg Bergström Åkesson"),
    "NO": ("Ole Ingrid Kjetil Solveig Øyvind", "Hansen Olsen Haugen Bakken Strand"),
    "DK": ("Søren Mette Jens Kirsten Niels", "Nielsen Jensen Møller Holm Bank"),
    "EE": ("Toomas Kadri Jaan Tiina Rein", "Tamm Saar Kask Mägi Kool"),
    "LV": ("Jānis Ilze Andris Inese Juris", "Bērziņš Kalniņš Ozoliņš Liepiņa Krūmiņa"),
    "LT": ("Jonas Rasa Vytautas Daiva Tomas", "Kazlauskas Petrauskas Jankauskienė Stankevičius"),
    "DE": ("Hans Sabine Jürgen Heike Wolfgang", "Müller Schmidt Fischer Schulze Stahl Kaufmann"),
    "NL": ("Jan Anneke Pieter Marieke Sander", "de Jong,van Dijk,Bakker,van der Meer,Visser"),
    "FR": ("Jean Claire Philippe Nathalie Luc", "Martin Bernard Dubois Lefèvre Marchand"),
    "ES": ("José Carmen Javier Pilar Antonio", "García López,Fernández Ruiz,Banco,Iglesias"),
    "PT": ("João Catarina Rui Teresa Manuel", "Silva Santos Ferreira Oliveira Escola"),
    "IT": ("Marco Giulia Paolo Francesca Luca", "Rossi Russo Ferrari Esposito Fabbri"),
    "PL": ("Piotr Agnieszka Krzysztof Ewa Tomasz", "Kowalski Nowak Wiśniewska Wójcik Szkolny"),
    "CZ": ("Jiří Jana Petr Lenka Tomáš", "Novák Svoboda Dvořák Černá Kučera"),
    "HU": ("István Katalin László Éva Zoltán", "Nagy Kovács Tóth Szabó Iskola"),
    "RO": ("Ion Elena Mihai Ioana Andrei", "Popescu Ionescu Dumitru Stan Morar"),
    "GR": ("Georgios Eleni Nikos Katerina Yannis", "Papadopoulos Nikolaidis Vlachos Economou"),
    "TR": ("Mehmet Ayşe Mustafa Zeynep Emre", "Yılmaz Demir Çelik Kaya Öztürk"),
    "GB": ("James Margaret Oliver Emily George", "Smith Church Court Steel Law Taylor Banks"),
}


def people(seed: int, number: int) -> Iterator[tuple[str, str]]:
    """Yield ``number`` names, each with a country."""
    choose = Random(seed)
    for _ in range(number):
        country = choose.choice(list(PEOPLE))
        given, surnames = PEOPLE[country]
        surname = choose.choice(surnames.split("," if "," in surnames else " "))
        yield f"{choose.choice(given.split())} {surname}", country
