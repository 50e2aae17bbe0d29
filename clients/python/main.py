import asyncio
import json
import os
import sys
from typing import Any

from roster import (
    ApiKeys,
    GraphQLClientGraphQLMultiError,
    MembersOrganizationOwner,
    OrganizationInviteInput,
    OrganizationMemberRefInput,
    OrganizationMemberRemoveInput,
    OrganizationRefInput,
    Roster,
)
from roster.async_base_client import Response


class Client(Roster):
    def get_data(self, response: Response) -> dict[str, Any]:
        """Request errors, which come with a status of their own, are raised like those of fields."""
        if response.status_code >= 400:
            errors = response.json()["errors"]
            raise GraphQLClientGraphQLMultiError.from_errors_dicts(errors)
        return super().get_data(response)


async def list_members(
    client: Client, slug: str
) -> tuple[MembersOrganizationOwner, list[str], int]:
    members: list[str] = []
    after = None
    while True:
        organization = (await client.members(slug, after)).organization
        if not organization or not organization.owner or not organization.members:
            raise LookupError(f"There is no organization {slug} that you may see.")
        page = organization.members
        members += [
            f"{node.user.display_name} <{node.user.email}>"
            if node.user.email
            else node.user.display_name
            for node in page.nodes
        ]
        if not page.page_info.has_next_page:
            return organization.owner, members, page.total_count
        after = page.page_info.end_cursor


async def invite(
    client: Client, slug: str, emails: list[str]
) -> list[dict[str, object]]:
    input = OrganizationInviteInput(
        organization=OrganizationRefInput(slug=slug), emails=emails
    )
    payload = (await client.invite(input)).organization_invite
    assert payload
    if payload.results is None:
        raise ValueError(" ".join(error.message for error in payload.user_errors))
    return [
        {
            "email": result.email,
            "status": result.status,
            "invitation": result.invitation
            and {
                "status": result.invitation.status,
                "expiresOn": result.invitation.expires_at.date().isoformat(),
            },
            "codes": [error.code for error in result.user_errors],
        }
        for result in payload.results
    ]


async def remove(client: Client, member_id: str) -> list[str]:
    input = OrganizationMemberRemoveInput(
        member=OrganizationMemberRefInput(id=member_id)
    )
    payload = (await client.remove(input)).organization_member_remove
    assert payload
    return [error.code for error in payload.user_errors]


async def count_api_keys(client: Client, slug: str) -> dict[str, object]:
    try:
        organization = (await client.api_keys(slug)).organization
        refusal: object = None
    except GraphQLClientGraphQLMultiError as error:
        organization = ApiKeys.model_validate(error.data).organization
        refusal = (error.errors[0].extensions or {}).get("code")
    assert organization
    keys = organization.api_keys
    return {
        "organization": organization.name,
        "apiKeys": keys.total_count if keys else refusal,
    }


async def main(slug: str, email: str) -> None:
    headers = {
        "Accept": "application/graphql-response+json, application/json;q=0.9",
        "Authorization": f"Bearer {os.environ['ROSTER_TOKEN']}",
    }
    async with Client(f"{os.environ['ROSTER_URL']}/graphql", headers) as client:
        owner, members, total_count = await list_members(client, slug)
        emails = [email, owner.user.email] if owner.user.email else [email]
        seen = {
            "members": members,
            "totalCount": total_count,
            **await count_api_keys(client, slug),
            "invited": await invite(client, slug, emails),
            "removed": await remove(client, owner.id),
        }
    print(json.dumps(seen))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
