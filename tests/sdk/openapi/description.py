"""The description of the API meets the API: schemathesis asks a running Llavero with what the description allows and with
what it does not, call by call and call after call: with an API key and a store's token, with wrong ones, and with none at all.
No answer may be one that the description lacks. Before that, every example is held against its own shape."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import jsonschema_rs

HERE = Path(__file__).parent
CONFIG = HERE / "schemathesis.toml"
URL = os.environ["LLAVERO_URL"].rstrip("/")


def ask(method, path, body=None, bearer=None):
    request = urllib.request.Request(URL + path, method=method, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if bearer:
        request.add_header("Authorization", f"Bearer {bearer}")
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def media(operation):
    """Media types of requests and answers, each with where it stands."""
    places = {"request": operation.get("requestBody", {}), **operation["responses"]}
    for place, what in places.items():
        for name, content in what.get("content", {}).items():
            yield f"{operation['operationId']} {place} {name}", content


def check_examples(document):
    held = 0
    for item in [*document["paths"].values(), *document["webhooks"].values()]:
        for operation in item.values():
            for place, content in media(operation):
                examples = [content["example"]] if "example" in content else []
                for reference in content.get("examples", {}).values():
                    name = reference["$ref"].rsplit("/", 1)[1]
                    examples.append(document["components"]["examples"][name]["value"])
                schema = {**content["schema"], "components": document["components"]}
                validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
                for example in examples:
                    wrong = [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(example)]
                    assert not wrong, f"{place}: {wrong}"
                    held += 1
    assert held > 200, held


def connect(customer):
    key = os.environ["LLAVERO_API_KEY"]
    fields = {"store_url": "https://described.example", "webservice_key": "5a5a" + "A" * 28}
    body = {"platform": "prestashop", "customer_id": customer, "fields": fields}
    return ask("POST", "/v1/stores", body, key)


def without_keys(folder):
    """The configuration without its tables of keys."""
    kept = [table for table in CONFIG.read_text().split("\n[") if not table.startswith("auth.")]
    file = Path(folder) / "schemathesis.toml"
    file.write_text("\n[".join(kept))
    return file


def run(environment, arguments, config=CONFIG):
    command = [Path(sys.executable).parent / "st", "--config-file", config, "run"]
    command += [f"{URL}/v1/openapi.json", *arguments]
    environment = {**os.environ, **environment, "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py")}
    return subprocess.run(command, env=environment).returncode


def main():
    document = ask("GET", "/v1/openapi.json")
    check_examples(document)
    connected = connect("customer-1")
    known = {"LLAVERO_STORE_TOKEN": connected["access_token"]}
    wrong = {"LLAVERO_STORE_TOKEN": "x", "LLAVERO_API_KEY": "x"}
    short = ["--phases", "coverage", "--max-time", "5"]
    with tempfile.TemporaryDirectory() as folder:
        ended = [run(known, []), run(wrong, short), run({}, short, without_keys(folder))]
    sys.exit(max(ended))


main()
