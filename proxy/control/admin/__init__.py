"""The admin API: JSON over HTTP for operators, pipelines and the command. Requests of users never pass here."""
