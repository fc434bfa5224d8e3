import pytest

from tests.factories import NOON, DeliveryFactory, SessionFactory


@pytest.fixture
def deliver(partner):
    def make(state, **fields):
        session = SessionFactory(tutor__partner=partner)
        sent = {"sent_at": NOON} if state == "sent" else {}
        return DeliveryFactory(session=session, state=state, **sent, **fields)

    return make


def states(page):
    return sorted(delivery.state for delivery in page.context["page"].object_list)


def test_messages_are_grouped_by_what_they_need(staff, deliver):
    for state in ("due", "retry", "sent", "dead", "expired"):
        deliver(state)
    assert states(staff.get("/outbox/")) == ["dead", "due", "expired", "retry", "sent"]
    assert states(staff.get("/outbox/?state=waiting")) == ["due", "retry"]
    assert states(staff.get("/outbox/?state=trouble")) == ["dead"]
    assert states(staff.get("/outbox/?state=ended")) == ["expired"]
    assert [view.count for view in staff.get("/outbox/").context["views"]] == [5, 1, 2, 1, 1]


def test_the_control_arm_is_told_to_managers_alone(client, staff, deliver, manager):
    hidden = deliver("withheld", note="control")
    assert states(staff.get("/outbox/")) == []
    assert states(staff.get("/outbox/?state=withheld")) == []
    assert staff.get(f"/outbox/{hidden.public_id}/").status_code == 404
    assert "Withheld" not in staff.get("/outbox/").text
    client.force_login(manager)
    assert states(client.get("/outbox/?state=withheld")) == ["withheld"]
    assert "control share" in client.get(f"/outbox/{hidden.public_id}/").text


def test_a_sent_mail_is_shown_as_it_was(staff, deliver):
    delivery = deliver("sent", subject="Your first session", text_body="Plain words", html_body="<p>Words</p>")
    page = staff.get(f"/outbox/{delivery.public_id}/").text
    assert "Plain words" in page
    assert f'src="/outbox/{delivery.public_id}/mail" sandbox' in page
    mail = staff.get(f"/outbox/{delivery.public_id}/mail")
    assert mail.text == "<p>Words</p>"


def test_the_mails_own_page_may_do_nothing_but_be_framed_here(staff, deliver):
    delivery = deliver("sent", html_body="<script>alert(1)</script>")
    headers = staff.get(f"/outbox/{delivery.public_id}/mail").headers
    policy = {part.split()[0]: part.split()[1:] for part in headers["Content-Security-Policy"].split("; ")}
    assert policy == {
        "default-src": ["'none'"],
        "style-src": ["'unsafe-inline'"],
        "img-src": ["data:"],
        "frame-ancestors": ["'self'"],
        "sandbox": [],
    }
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert staff.get("/outbox/").headers["X-Frame-Options"] == "DENY"


def test_a_mail_that_waits_is_previewed(staff, deliver):
    delivery = deliver("due")
    page = staff.get(f"/outbox/{delivery.public_id}/").text
    assert "As it would be sent now" in page
    assert "first mathematics session with you" in staff.get(f"/outbox/{delivery.public_id}/mail").text
    delivery.refresh_from_db()
    assert (delivery.state, delivery.html_body) == ("due", "")


def test_a_message_that_was_never_written_has_no_mail(staff, deliver):
    delivery = deliver("expired", note="late_booking")
    page = staff.get(f"/outbox/{delivery.public_id}/").text
    assert "No mail was written" in page
    assert "late booking" in page
    assert staff.get(f"/outbox/{delivery.public_id}/mail").status_code == 404


def test_another_partners_mail_is_not_found(staff, partner):
    delivery = DeliveryFactory(state="due")
    assert staff.get(f"/outbox/{delivery.public_id}/").status_code == 404


def test_the_outbox_costs_the_same_for_three_and_for_thirty(staff, deliver, django_assert_num_queries):
    for _ in range(3):
        deliver("due")
    with django_assert_num_queries(10):
        staff.get("/outbox/")
    for _ in range(27):
        deliver("due")
    with django_assert_num_queries(10):
        assert len(staff.get("/outbox/").context["page"].object_list) == 25
