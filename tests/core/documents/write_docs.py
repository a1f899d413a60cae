"""Writes the generated pages again: python -m tests.core.documents.write_docs"""

from tests.core.documents.test_examples import GENERATED, ROOT


def main() -> None:
    for name, make in GENERATED.items():
        (ROOT / "docs" / name).write_text(make(), encoding="utf-8")
        print(f"docs/{name}")


if __name__ == "__main__":
    main()
