"""Words the simulated world is made of: invented names, subjects, zones, goals, comments."""

from __future__ import annotations

from typing import Final

SUBJECTS: Final = (
    "algebra", "geometry", "calculus", "statistics", "physics", "chemistry", "biology", "english",
    "spanish", "french", "german", "history", "geography", "economics", "programming", "music",
)  # fmt: skip

# (IANA zone, locale, weight among tutors)
ZONES: Final = (
    ("America/New_York", "en-US", 18),
    ("America/Chicago", "en-US", 12),
    ("America/Denver", "en-US", 5),
    ("America/Los_Angeles", "en-US", 12),
    ("America/Toronto", "en-CA", 5),
    ("America/Sao_Paulo", "pt-BR", 4),
    ("America/Bogota", "es-CO", 3),
    ("Europe/London", "en-GB", 12),
    ("Europe/Berlin", "de-DE", 7),
    ("Europe/Madrid", "es-ES", 5),
    ("Africa/Lagos", "en-NG", 3),
    ("Africa/Johannesburg", "en-ZA", 2),
    ("Asia/Kolkata", "en-IN", 6),
    ("Asia/Manila", "en-PH", 3),
    ("Asia/Tokyo", "ja-JP", 1),
    ("Australia/Sydney", "en-AU", 2),
)

FIRST_NAMES: Final = (
    "Ada", "Aisha", "Alejandro", "Amara", "Amina", "Anders", "Anika", "Antonia", "Arjun", "Astrid",
    "Beatriz", "Benedikt", "Bianca", "Callum", "Camila", "Carlos", "Cecilia", "Chidi", "Clara", "Dalia",
    "Daniel", "Daria", "Deepa", "Diego", "Dong-hyun", "Elena", "Elif", "Emeka", "Emil", "Esther",
    "Ewa", "Farah", "Felix", "Femi", "Fiona", "Francesca", "Gabriel", "Giulia", "Grace", "Hana",
    "Hassan", "Helena", "Hiroshi", "Ibrahim", "Ida", "Ifeoma", "Imani", "Ines", "Ingrid", "Isla",
    "Ivan", "Jamal", "Jana", "Javier", "Joao", "Jonas", "Julia", "Kai", "Kamala", "Karim",
    "Katarzyna", "Kenji", "Kofi", "Lars", "Laila", "Leila", "Leon", "Linh", "Lucia", "Luka",
    "Magnus", "Maja", "Malik", "Mariana", "Marta", "Mateo", "Mei", "Mila", "Minh", "Miriam",
    "Nadia", "Naveen", "Ngozi", "Nikolai", "Noor", "Nora", "Olga", "Omar", "Oscar", "Paolo",
    "Petra", "Priya", "Rafael", "Rania", "Ravi", "Renata", "Rosa", "Ruth", "Samir", "Sanjay",
    "Sara", "Selin", "Sofia", "Stefan", "Sunita", "Tariq", "Tatiana", "Teresa", "Thabo", "Tomas",
    "Uchenna", "Valeria", "Vikram", "Wanjiru", "Wei", "Yara", "Yusuf", "Zanele", "Zofia", "Zuri",
)  # fmt: skip

LAST_NAMES: Final = (
    "Abara", "Abe", "Achterberg", "Adeyemi", "Aguilar", "Ahlberg", "Al-Amin", "Almeida", "Anand", "Andersen",
    "Aquino", "Arslan", "Baptiste", "Barros", "Bauer", "Bello", "Bernal", "Bianchi", "Blom", "Boateng",
    "Brandt", "Cardoso", "Castellano", "Chandra", "Chen", "Costa", "Cruz", "Dahl", "Dang", "Delgado",
    "Demir", "Desai", "Diallo", "Dimitrov", "Dlamini", "Dubois", "Eriksen", "Esposito", "Farouk", "Ferrari",
    "Fischer", "Flores", "Fofana", "Fraser", "Fujimoto", "Gallagher", "Garrido", "Gupta", "Haddad", "Halvorsen",
    "Hartmann", "Hayashi", "Herrera", "Hoang", "Horvat", "Hughes", "Ibarra", "Iyer", "Jansen", "Joshi",
    "Kamau", "Kaplan", "Kato", "Keller", "Khalil", "Kim", "Kovacs", "Kowalska", "Kruger", "Larsen",
    "Leclerc", "Lindqvist", "Lopes", "Maeda", "Malik", "Marchetti", "Mbeki", "McLeod", "Mehta", "Mendes",
    "Mensah", "Moreau", "Moretti", "Mwangi", "Nair", "Navarro", "Ndlovu", "Nguyen", "Nkosi", "Novak",
    "Nwosu", "Obi", "Okafor", "Oliveira", "Osei", "Ozturk", "Park", "Patel", "Pereira", "Petrov",
    "Popescu", "Quispe", "Rahman", "Ramos", "Reyes", "Ricci", "Rojas", "Romero", "Rossi", "Saito",
    "Santos", "Schneider", "Sharma", "Silva", "Sorensen", "Suzuki", "Tanaka", "Toure", "Varga", "Zhang",
)  # fmt: skip

INITIALS: Final = "ABCDEFGHIJKLMNOPRSTUVWYZ"

STYLES: Final = ("structured", "flexible", "interactive", "traditional", "modern")
STUDENT_LEVELS: Final = ("beginner", "intermediate", "advanced")
EXAM_GOAL: Final = "exam preparation"
GOALS: Final = ("better grades", "confidence", "catching up", "homework support", "curiosity", "university entry")
MOVE_REASONS: Final = (
    "scheduling", "personal", "work", "family", "health", "childcare", "technical", "transportation", "other",
)  # fmt: skip
MOVE_REASON_WEIGHTS: Final = (0.28, 0.22, 0.16, 0.11, 0.09, 0.05, 0.04, 0.03, 0.02)

COMMENTS: Final = {
    1: ("We did not get on at all.", "I was lost from the first minute.", "Not what we had agreed."),
    2: ("Too fast for me.", "Hard to follow.", "It felt unprepared."),
    3: ("It was fine.", "Some parts helped.", "Okay, but little time to practise."),
    4: ("Good session, clear examples.", "Helpful and friendly.", "I understood most of it."),
    5: ("Excellent, I finally understood it!", "Patient and very clear.", "The best lesson so far."),
}
