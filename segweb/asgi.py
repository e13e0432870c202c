"""The ASGI application: HTTP through Django, WebSockets through Channels, and the caretaker beside them."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "segweb.settings")
http_application = get_asgi_application()

# the consumers need the apps that get_asgi_application has loaded
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from channels.sessions import SessionMiddlewareStack  # noqa: E402

from inference.consumers import websocket_urlpatterns as job_sockets  # noqa: E402
from segweb.lifespan import Lifespan  # noqa: E402
from studies.consumers import websocket_urlpatterns as study_sockets  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http_application,
        "websocket": AllowedHostsOriginValidator(SessionMiddlewareStack(URLRouter([*study_sockets, *job_sockets]))),
        "lifespan": Lifespan(),
    }
)
