"""Users who sign in with a password and a second factor of their choice, for one site."""

from components.identity.user_pool import UserPool
from components.identity.user_pool_args import Client, UserPoolArgs

clients = {"web": Client(callback_urls=["https://www.example.com/"])}
UserPool("wiki-dev-users", UserPoolArgs(domain_prefix="wiki-dev", clients=clients))
