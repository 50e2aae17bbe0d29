import ast

from ariadne_codegen import Plugin
from graphql import GraphQLEnumType

MISSING = """
@classmethod
def _missing_(cls, value: object) -> "{name}":
    member = str.__new__(cls, value)
    member._name_ = member._value_ = str(value)
    return member
"""


class OpenEnums(Plugin):
    """Lets enumerations take values that the schema did not have yet when the client was generated."""

    def generate_enum(
        self, class_def: ast.ClassDef, enum_type: GraphQLEnumType
    ) -> ast.ClassDef:
        class_def.body += ast.parse(MISSING.format(name=class_def.name)).body
        return class_def
