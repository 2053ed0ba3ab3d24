"""Providers as JSON: what a form is drawn from."""

from __future__ import annotations

from lading.services.registries.providers import ProviderField, Template

Json = dict[str, object]


def template_json(template: Template) -> Json:
    """A provider, and what it asks of whoever configures one of its registries. `minted` says that the login is changed
    for one that ends; `username` null, that there is none to give."""
    return {
        "provider": template.provider.value,
        "title": template.title,
        "host": template.host,
        "username": template.username,
        "password": template.password,
        "scopes": list(template.scopes),
        "fields": [_field_json(each) for each in template.fields],
        "hint": template.hint,
        "link": template.link,
        "listing": template.listing.value,
        "minted": template.minted,
    }


def _field_json(field: ProviderField) -> Json:
    return {"name": field.name, "label": field.label, "hint": field.hint, "secret": field.secret}
