"""A gate as JUnit's XML, which CI services show beside unit tests.

One test case for each metric of each cell. A regression is a failure, what could not be told is skipped with its
reason, a baseline that fails is an error. XML 1.0 has no place for most control characters: they become U+FFFD.
"""

from __future__ import annotations

import re
from typing import Any, Mapping
from xml.etree import ElementTree

from .gate_tables import NO_EFFECT, cell_words, effect_text, metric_words, reason_words, verdict_line

Node = Mapping[str, Any]
TAGS = {"regression": "failure", "inconclusive": "skipped", "not_judged": "skipped"}
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(document: Node) -> str:
    """gate.xml of a gate's document."""
    cases = [_case(one) for one in document["judgements"]]
    if document["verdict"] == "incomparable":
        cases.append(_element("testcase", classname="gate", name="comparable"))
        cases[-1].append(_element("skipped", message=verdict_line(document)))
    counts = {name: str(sum(case.find(tag) is not None for case in cases))
              for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))}
    root = _element("testsuites", name="heapwise gate", tests=str(len(cases)), **counts)
    suite = ElementTree.SubElement(root, "testsuite", {**root.attrib})
    suite.append(_properties(document))
    suite.extend(cases)
    ElementTree.indent(root)
    return f"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{ElementTree.tostring(root, encoding='unicode')}\n"


def _properties(document: Node) -> ElementTree.Element:
    properties = _element("properties")
    for side in ("baseline", "candidate"):
        properties.append(_element("property", name=side, value=document[side]["title"]))
        for allocator in document[side]["allocators"]:
            for field in ("library_path", "build_id", "version"):
                name = f"{side}.{allocator['spec']}.{field}"
                properties.append(_element("property", name=name, value=allocator.get(field, "")))
    properties.append(_element("property", name="verdict", value=document["verdict"]))
    return properties


def _case(judgement: Node) -> ElementTree.Element:
    case = _element("testcase", classname=cell_words(judgement), name=metric_words(judgement))
    tag = "error" if judgement["cause"] == "baseline_failed" else TAGS.get(judgement["outcome"])
    if tag:
        effect = effect_text(judgement["screen"]) if judgement["screen"] else NO_EFFECT
        words = [effect if effect != NO_EFFECT else "", reason_words(judgement)]
        case.append(_element(tag, message=", ".join(filter(None, words))))
    return case


def _element(tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.Element(tag, {name: _ILLEGAL.sub("\ufffd", text) for name, text in attributes.items()})
