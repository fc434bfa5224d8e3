from django.test import RequestFactory

from tutorscore.front.request_log import RouteLogMiddleware


def test_a_log_names_the_route_and_no_token():
    said = RouteLogMiddleware.format_request(RequestFactory().get("/mail/secret-token"))
    assert "secret" not in said
    assert said.startswith("GET mail/<")


def test_a_log_names_no_searched_person():
    assert RouteLogMiddleware.format_request(RequestFactory().get("/tutors/?q=Jonas+Reimers")) == "GET tutors/"


def test_a_log_keeps_quiet_about_unknown_addresses():
    assert RouteLogMiddleware.format_request(RequestFactory().get("/jonas")) == "GET (no such address)"
