from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "tutorscore.accounts"
    label = "accounts"
    verbose_name = "Accounts"
