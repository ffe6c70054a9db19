"""What keeps the tree guessable, checked so that it stays true: ranks, file names, sizes, words."""
import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# A module may include its own rank and those before it. Provider stands beside core: neither includes the
# other's insides, but core may name what providers are (provider/provider.h).
RANK = {"base": 0, "store": 1, "ledger": 2, "provider": 3, "core": 3, "dialect": 4, "server": 5,
        "sandbox": 5, "cli": 6}
LINES = 800


def tracked(*patterns):
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout.split("\n")
    return [path for path in listed if path and os.path.exists(os.path.join(ROOT, path))]


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def includes(path):
    for number, line in enumerate(text_of(path).split("\n"), 1):
        match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if match:
            yield number, match[1]


SOURCES = tracked("src/*.c", "src/*.h", "src/*.def")


def test_ranks_include_downwards():
    wrong = []
    for path in SOURCES:
        module = path.split("/")[1]
        for number, included in includes(path):
            other = included.split("/")[0]
            if other == "generated":
                if RANK.get(module, 9) < RANK["dialect"]:
                    wrong.append(f"{path}:{number}: generated code belongs to dialects")
            elif other in RANK and RANK[module] < RANK[other]:
                wrong.append(f"{path}:{number}: {module} may not include {other}")
            elif {module, other} == {"core", "provider"} and module == "provider":
                wrong.append(f"{path}:{number}: provider stands beside core and may not include it")
    assert not wrong, "\n".join(wrong)


def test_modules_are_known():
    modules = {path.split("/")[1] for path in SOURCES if path.count("/") > 1}
    assert modules <= set(RANK), f"no rank for {modules - set(RANK)}"


def test_core_names_no_dialect():
    wrong = [f"{path}:{number}: {included}" for path in SOURCES if path.startswith("src/core/")
             for number, included in includes(path) if included.startswith(("dialect/", "generated/"))]
    assert not wrong, "\n".join(wrong)


def ledger_tables():
    tables = set()
    for path in tracked("migrations/001*.sql"):
        tables |= set(re.findall(r"CREATE TABLE\s+(\w+)", text_of(path)))
    return tables


def test_only_the_ledger_touches_its_tables():
    tables = "|".join(sorted(ledger_tables()))
    if not tables:
        pytest.fail("the ledger's migrations (0010..0019) create no table")
    use = re.compile(rf"\b(?:FROM|JOIN|INTO|UPDATE|TABLE)\s+({tables})\b")
    wrong = [f"{path}: {match}" for path in SOURCES if not path.startswith("src/ledger/")
             for match in use.findall(text_of(path))]
    assert not wrong, "\n".join(wrong)


# Of the installation, not of a tenant in it.
INSTALLATION_TABLES = {"setting", "commit_token", "tenant", "token_replay", "sandbox_credential",
                       # An index over all tenants' keys: the hash it sorts by has the tenant in it.
                       "ledger_key_log", "ledger_key_runs", "ledger_key_parts", "ledger_key_entries"}


def test_tables_belong_to_tenants():
    wrong = [f"{path}: {table} has no tenant_id" for path in tracked("migrations/*.sql")
             for table, columns in re.findall(r"CREATE TABLE\s+(\w+)\s*\((.*?)\n\)", text_of(path),
                                              re.S)
             if "tenant_id" not in columns and table not in INSTALLATION_TABLES]
    assert not wrong, "\n".join(wrong)


def test_no_engine_specific_sql_outside_the_store():
    words = re.compile(r"\b(AUTOINCREMENT|PRAGMA|SERIAL|JSONB|INSERT OR|ILIKE|rowid|strftime|now\(\))\b")
    wrong = [f"{path}: {found}" for path in SOURCES + tracked("migrations/*.sql")
             if not path.startswith("src/store/") for literal in
             (re.findall(r'"(?:[^"\\\n]|\\.)*"', text_of(path)) if path.endswith(".c")
              else [text_of(path)] if path.endswith(".sql") else [])
             for found in words.findall(literal)]
    assert not wrong, "\n".join(wrong)


def test_no_file_grows_too_long():
    long = [f"{path}: {text_of(path).count(chr(10))} lines" for path in
            tracked("src/*.c", "src/*.h", "tests/*.c", "tests/*.py", "tools/*")
            if text_of(path).count("\n") > LINES]
    assert not long, "\n".join(long)


def test_every_file_says_what_it_is():
    silent = [path for path in tracked("src/*.c", "src/*.h", "src/*.def", "tests/*.c", "tests/*.py",
                                       "tools/*", "tests/run")
              if not re.match(r'(#!.*\n)?(/\*|"""|#)', text_of(path))]
    assert not silent, "no opening comment: " + ", ".join(silent)


def test_no_unfinished_work():
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!\")")
    wrong = [f"{path}: {match}" for path in tracked("src/*", "tools/*", "migrations/*")
             for match in words.findall(re.sub(r'"[^"\n]*"', '""', text_of(path)))]
    assert not wrong, "\n".join(wrong)


def groups(dialect):
    return {os.path.basename(path)[:-5] for path in tracked(f"api/{dialect}/*.yaml")}


@pytest.mark.parametrize("dialect", ["pcx", "vaultspay", "fincode", "platform"])
def test_handlers_and_scenarios_carry_their_contracts_name(dialect):
    """api/pcx/fee-configurations.yaml, src/dialect/pcx/fee_configurations.c, test_fee_configurations.py"""
    known = {group.replace("-", "_") for group in groups(dialect)}
    wrong = []
    for path in tracked(f"src/dialect/{dialect}/*.c"):
        stem = os.path.basename(path)[:-2]
        handles = re.search(rf"^int (?:{PREFIX[dialect]})_\w+\(struct call \*c, const struct \w+_in",
                            text_of(path), re.M)
        if handles and stem not in known:
            wrong.append(f"{path}: no contract api/{dialect}/{stem.replace('_', '-')}.yaml")
    for path in tracked(f"tests/scenario/{dialect}/test_*.py"):
        stem = os.path.basename(path)[5:-3]
        if not any(stem == group or stem.startswith(group + "_") for group in known):
            wrong.append(f"{path}: no contract api/{dialect}/{stem.replace('_', '-')}.yaml")
    assert not wrong, "\n".join(wrong)


PREFIX = {"pcx": "pcx", "vaultspay": "vp", "fincode": "fc", "platform": "platform"}


def test_operation_ids_are_unique_and_prefixed():
    seen, wrong = {}, []
    for path in tracked("api/*/*.yaml"):
        dialect = path.split("/")[1]
        for operation_id in re.findall(r"^\s+operationId:\s*(\S+)", text_of(path), re.M):
            if operation_id in seen:
                wrong.append(f"{operation_id}: in {seen[operation_id]} and in {path}")
            seen[operation_id] = path
            if dialect in PREFIX and not operation_id.startswith(PREFIX[dialect] + "_"):
                wrong.append(f"{path}: {operation_id} does not start with {PREFIX[dialect]}_")
    assert not wrong, "\n".join(wrong)


def test_relative_links_of_documents_lead_somewhere():
    wrong = []
    for path in tracked("*.md"):
        for target in re.findall(r"\]\(([^)#\s]+)", text_of(path)):
            if not re.match(r"[a-z]+:", target) and not os.path.exists(
                    os.path.join(ROOT, os.path.dirname(path), target)):
                wrong.append(f"{path}: {target}")
    assert not wrong, "\n".join(wrong)


def test_operations_lists_every_setting():
    page = text_of("docs/operations.md")
    settings = re.findall(r'^CONFIG_(TEXT|NUMBER|FLAG)\((\w+)(?:, ("[^"]*"|-?\d+))?',
                          text_of("src/base/config.def"), re.M)
    wrong = []
    for kind, name, default in settings:
        shown = {"FLAG": "off", "NUMBER": f"`{default}`", "TEXT": f"`{default[1:-1]}`"}[kind]
        if shown in ("``", "`-1`"):
            shown = ""
        if f"| `{name}` | {shown} |" not in page:
            wrong.append(f"docs/operations.md: {name} with its default {shown}")
    assert settings and not wrong, "\n".join(wrong)
