"""What the published client relies on (spec 12), asked of one server: prints a JSON object a check.

Arguments come from the environment: URL, KEY, TENANT, AGENT, READ_KEY. A check whose routes the server
does not have yet says which; the test that runs this knows whether they should be there.
"""

import asyncio
import json
import os
import sys
import traceback
import uuid
from datetime import datetime

import httpx
from cellstate import CellstateClient, SimpleMemory, models
from cellstate.compat.mem0 import MemoryClient
from cellstate.http import (
    AuthenticationError,
    AuthorizationError,
    CellstateError,
    ConflictError,
    HttpClient,
    NotFoundError,
    ValidationError,
)

URL, KEY, TENANT, AGENT, READ_KEY = (
    os.environ[name] for name in ("URL", "KEY", "TENANT", "AGENT", "READ_KEY")
)

checks = []


def check(name):
    def add(function):
        checks.append((name, function))
        return function

    return add


def client(key=KEY, tenant=TENANT, **more):
    return CellstateClient(api_key=key, tenant_id=tenant, base_url=URL, **more)


def fresh(text):
    return f"{text}-{uuid.uuid4().hex[:12]}"


def equal(found, wanted, what=""):
    if found != wanted:
        raise AssertionError(f"{what}: found {found!r}, wanted {wanted!r}")


async def raises(kind, call, code=None, exact=False):
    try:
        answer = await call
    except kind as error:
        if exact:
            equal(type(error), kind)
        if code is not None:
            equal(error.code, code)
        return error
    raise AssertionError(f"{kind.__name__} was not raised: {answer!r}")


async def opened(c, name="scope"):
    t = await c.trajectories.create(name=fresh("trajectory"))
    s = await c.scopes.create(trajectory_id=t["trajectory_id"], name=name)
    return t["trajectory_id"], s["scope_id"]


async def artifact(c, t, s, name="a", content="Paris is the capital of France", source_turn=-1, **more):
    return await c.artifacts.create(
        trajectory_id=t, scope_id=s, artifact_type="Fact", name=name, content=content, source_turn=source_turn, **more
    )


@check("D-1")
async def headers_and_actions_without_a_body():
    async with client(tenant="default") as c, client() as named:
        t, s = await opened(c)
        await named.trajectories.get(t)
        equal((await c.scopes.close(s))["is_active"], False)
        agent = await c.agents.register(agent_type="coder")
        equal((await c.agents.heartbeat(agent["agent_id"]))["agent_id"], agent["agent_id"])
        lock = await c.locks.acquire(resource_id=fresh("file"), holder_id=agent["agent_id"], ttl_ms=5000)
        await c.locks.release(lock["lock_id"])
        assert (await c.agents.kill(agent["agent_id"]))["killed_at"]
        made = await c.api_keys.create(name=fresh("key"))
        await c.api_keys.revoke(made["api_key"]["api_key_id"])
    async with client(tenant=str(uuid.uuid4())) as c:
        await raises(AuthorizationError, c.trajectories.list())
    packed = HttpClient(base_url=URL, api_key=KEY, tenant_id=TENANT, response_format="msgpack")
    plain = HttpClient(base_url=URL, api_key=KEY, tenant_id=TENANT)
    for path in (f"/api/v1/trajectories/{t}", f"/api/v1/trajectories/{t}/scopes", "/api/v1/config"):
        equal(await packed.get(path), await plain.get(path), path)
    error = await raises(NotFoundError, packed.get(f"/api/v1/scopes/{t}"))
    equal(error.code, "SCOPE_NOT_FOUND")
    await packed.close()
    await plain.close()


@check("D-2")
async def failures_become_the_exceptions_of_their_status():
    async with client() as c:
        await raises(ValidationError, c.turns.create(scope_id="x", role="Nobody", content="x"), "INVALID_INPUT")
        await raises(ValidationError, c.http.post("/api/v1/trajectories", {}), "MISSING_FIELD")
        await raises(ValidationError, c.turns.create(scope_id="", role="?", content="x"), "VALIDATION_FAILED")
        error = await raises(NotFoundError, c.trajectories.get("never-made"), "TRAJECTORY_NOT_FOUND")
        assert "trajectory" in str(error), str(error)
        t, s = await opened(c)
        await c.scopes.close(s)
        await raises(ConflictError, c.turns.create(scope_id=s, role="User", content="late"), "STATE_CONFLICT")
        big = c.http.post("/api/v1/trajectories", {"name": "x", "description": "x" * 1_100_000})
        await raises(CellstateError, big, "PAYLOAD_TOO_LARGE", exact=True)
        agent = await c.agents.register(agent_type="coder")
        lock = await c.locks.acquire(resource_id=fresh("file"), holder_id=agent["agent_id"])
        assert await c.locks.release(lock["lock_id"]) is None
    async with client(key="cst_nobody") as c:
        await raises(AuthenticationError, c.trajectories.list(), "INVALID_TOKEN")
    async with client(key=READ_KEY) as c:
        await c.trajectories.list()
        await raises(AuthorizationError, c.trajectories.create(name="x"), "FORBIDDEN")


@check("D-3")
async def no_user_agent_is_treated_apart():
    async with client() as c, client(headers={"User-Agent": "curl/8.0"}) as other:
        t, s = await opened(c)
        for path in (f"/api/v1/trajectories/{t}", f"/api/v1/scopes/{s}", "/api/v1/agents"):
            equal(await c.http.get(path), await other.http.get(path), path)


@check("D-4")
async def spellings_and_times():
    async with client() as c:
        t, s = await opened(c)
        source = await c.notes.create(note_type="Fact", title="raw", content=fresh("raw"))
        summary = await c.notes.create(
            note_type="Summary",
            title="sum",
            content=fresh("sum"),
            abstraction_level="Summary",
            source_trajectory_ids=[t],
        )
        equal([source["abstraction_level"], summary["abstraction_level"]], ["Raw", "Summary"])
        for moment in (source["created_at"], source["updated_at"]):
            assert moment.endswith("Z"), moment
            datetime.fromisoformat(moment.replace("Z", "+00:00"))
            if sys.version_info >= (3, 11):
                datetime.fromisoformat(moment)


@check("D-4 score")
async def the_best_hit_reaches_one_half():
    async with client() as c:
        t, s = await opened(c)
        word = fresh("zanzibar").replace("-", "")
        await artifact(c, t, s, content=f"The harbour of {word} is deep")
        await c.notes.create(note_type="Fact", title="harbour", content=f"The harbour of {word} is deep")
        for found in (await c.artifacts.search(word, trajectory_id=t), await c.notes.search(word)):
            best = found["results"][0]
            assert isinstance(best["score"], (int, float)) and best["score"] >= 0.5, best["score"]
        helped = await c.assemble_context(t, relevance_query=word)
        equal([len(helped["notes"]), len(helped["artifacts"])], [1, 1])


@check("D-5 add")
async def simple_memory_adds():
    text = fresh("Likes Python and Pydantic")
    ana = SimpleMemory(api_key=KEY, base_url=URL, user_id=fresh("ana"))
    ben = SimpleMemory(api_key=KEY, base_url=URL, user_id=fresh("ben"))
    first, again, other = await ana.add(text), await ana.add(text), await ben.add(text)
    equal(first.id, again.id, "equal text of one user")
    assert first.id != other.id
    async with client() as c:
        note = await c.notes.get(first.id)
        equal([note["title"], note["content"], note["note_type"]], [text[:100], text, "Fact"])
        equal(set(note["metadata"]), {"_cellstate_user_id", "_cellstate_agent_id"})
        events = await c.http.get("/api/v1/event-dag", {"entity_id": first.id})
        equal(first.receipt, events["events"][0]["hash_chain"]["event_hash"], "receipt")
        equal(len(first.receipt), 64)


@check("D-5 recall")
async def simple_memory_recalls():
    memory = SimpleMemory(api_key=KEY, base_url=URL, user_id=fresh("user"))
    word = fresh("quokka").replace("-", "")
    one = await memory.add(f"A {word} lives on an island")
    two = await memory.add(f"Nobody keeps a {word} at home")
    found = await memory.recall(word)
    equal({hit.id for hit in found}, {one.id, two.id})
    assert all(word in hit.content and hit.level == "raw" for hit in found)
    equal([hit.id for hit in await memory.recall("")][:2], [two.id, one.id], "everything, newest first")
    assert one.id in {hit.id for hit in await memory.get_all()}
    context = await memory.context(word)
    assert word in context.text and context.memory_count >= 2, context
    again = SimpleMemory(api_key=KEY, base_url=URL, user_id=memory._user_id)
    await again.context(word)
    equal(again._session.trajectory_id, memory._session.trajectory_id, "one trajectory a user")
    mem0 = MemoryClient(api_key=KEY, base_url=URL)
    equal((await asyncio.to_thread(mem0.get, one.id))["memory"], f"A {word} lives on an island")


@check("D-6")
async def defaults_pass():
    async with client() as c:
        agent = await c.agents.register(agent_type="coder")
        equal([agent["capabilities"], agent["can_delegate_to"]], [[], []])
        allowed = {"memory_type": "*", "scope": "tenant"}
        await c.agents.register(agent_type="coder", memory_access={"read": allowed, "write": allowed})
        lock = await c.locks.acquire(resource_id=fresh("file"), holder_id=agent["agent_id"])
        equal(lock["holder_agent_id"], agent["agent_id"])
        t, s = await opened(c)
        for turn in (-1, -7, 0):
            made = await artifact(c, t, s, content=fresh("x"), source_turn=turn)
            equal(made["provenance"]["source_turn"], 0, "no turn")


@check("D-6 messages")
async def a_message_without_a_type_passes():
    async with client() as c:
        to = await c.agents.register(agent_type="coder")
        sent = await c.messages.send(from_agent_id=AGENT, to_agent_id=to["agent_id"], content="hello")
        equal((await c.messages.get(sent["message_id"]))["payload"], "hello")


@check("D-6 delegations")
async def a_delegation_without_a_trajectory_passes():
    async with client() as c:
        to = await c.agents.register(agent_type="coder")
        await c.delegations.create(from_agent_id=AGENT, to_agent_id=to["agent_id"], task="read it")


@check("D-6 handoffs")
async def a_handoff_without_a_reason_passes():
    async with client() as c:
        to = await c.agents.register(agent_type="coder")
        await c.handoffs.create(from_agent_id=AGENT, to_agent_id=to["agent_id"], context={"a": 1})


@check("D-7")
async def one_answer_is_the_whole():
    async with client() as c:
        t, s = await opened(c, "scope 0")
        for n in range(1, 61):
            await c.scopes.create(trajectory_id=t, name=f"scope {n}")
            await artifact(c, t, s, name=f"a{n}", content=fresh("content"))
        scopes = await c.trajectories.list_scopes(t)
        equal([one["name"] for one in scopes], [f"scope {n}" for n in range(61)])
        assert all(one["metadata"] is not None and one["is_active"] for one in scopes)
        within = await c.artifacts.list(trajectory_id=t, scope_id=s)
        equal(len(within["artifacts"]), 60)
        helped = await c.assemble_context(t)
        equal(helped["scope"]["name"], "scope 60", "the newest")


@check("D-9")
async def a_real_graph_runs_resumes_and_lists():
    from typing import TypedDict

    from cellstate.adapters.langgraph import CellstateCheckpointer
    from langgraph.graph import END, START, StateGraph

    class State(TypedDict):
        count: int
        said: str

    def graph(saver, stop=None):
        building = StateGraph(State)
        building.add_node("one", lambda state: {"count": state["count"] + 1})
        building.add_node("two", lambda state: {"said": f"{state['said']}!"})
        building.add_edge(START, "one")
        building.add_edge("one", "two")
        building.add_edge("two", END)
        return building.compile(checkpointer=saver, interrupt_before=stop)

    saver = CellstateCheckpointer(api_key=KEY, tenant_id=TENANT, base_url=URL)
    assert await saver.aget_tuple({"configurable": {"thread_id": fresh("unknown thread")}}) is None
    config = {"configurable": {"thread_id": fresh("any thread: é")}}
    halted = await graph(saver, ["two"]).ainvoke({"count": 1, "said": "hi"}, config)
    equal(halted["count"], 2)
    state = await graph(saver, ["two"]).aget_state(config)
    equal(state.next, ("two",), "where it halted")
    other = CellstateCheckpointer(api_key=KEY, tenant_id=TENANT, base_url=URL)
    resumed = await graph(other).ainvoke(None, config)
    equal(resumed, {"count": 2, "said": "hi!"})
    history = [one async for one in graph(other).aget_state_history(config)]
    assert len(history) >= 3, len(history)
    equal(history[0].values, {"count": 2, "said": "hi!"})
    by_external = await other.client.trajectories.get(config["configurable"]["thread_id"])
    equal(by_external["external_id"], config["configurable"]["thread_id"])
    # A write that comes before its scope is skipped by the adapter.
    early = {"configurable": {**config["configurable"], "checkpoint_id": str(uuid.uuid4())}}
    await other.aput_writes(early, [("channel", 1)], "task")


@check("managers of memory")
async def managers_of_memory():
    async with client() as c:
        t = await c.trajectories.create(name="task", description="d", agent_id=AGENT, metadata={"a": 1})
        tid = t["trajectory_id"]
        models.TrajectoryResponse(**t)
        child = await c.trajectories.create(name="child", parent_trajectory_id=tid)
        equal((await c.trajectories.list_children(tid))["trajectories"][0]["trajectory_id"], child["trajectory_id"])
        listed = await c.trajectories.list(status="active", agent_id=AGENT, limit=5, offset=0)
        models.ListTrajectoriesResponse(**listed)
        equal((await c.trajectories.update(tid, name="n", description="e", metadata={"b": 2}))["metadata"], {"b": 2})
        s = await c.scopes.create(trajectory_id=tid, name="s", purpose="p", token_budget=4000, metadata={"k": 1})
        sid = s["scope_id"]
        models.ScopeResponse(**s)
        inner = await c.scopes.create(trajectory_id=tid, name="inner", parent_scope_id=sid)
        equal(inner["parent_scope_id"], sid)
        await c.scopes.update(sid, name="s2", purpose="q", token_budget=5000, metadata={"k": 2})
        saved = await c.scopes.checkpoint(sid, "aGVsbG8=")
        equal([saved["scope_id"], saved["checkpoint"]["context_state"]], [sid, "aGVsbG8="])
        models.ScopeResponse(**await c.scopes.get(sid))
        turn = await c.turns.create(
            scope_id=sid,
            role="Assistant",
            content="hello",
            token_count=2,
            tool_calls={"call": {"name": "f"}},
            tool_results={"call": 1},
            metadata={"m": 1},
        )
        models.TurnResponse(**turn)
        equal((await c.turns.get(turn["turn_id"]))["content"], "hello")
        equal((await c.scopes.list_turns(sid))["turns"][0]["turn_id"], turn["turn_id"])
        a = await artifact(c, tid, sid, source_turn=1, confidence=0.9, metadata={"x": [1]})
        models.ArtifactResponse(**a)
        equal(a["provenance"]["source_turn"], 1)
        equal((await c.artifacts.get(a["artifact_id"]))["metadata"], {"x": [1]})
        changed = await c.artifacts.update(
            a["artifact_id"], name="b", content='{"json": true}', artifact_type="Document", ttl="Session", metadata={}
        )
        equal([changed["name"], changed["artifact_type"], changed["metadata"]], ["b", "Document", {}])
        found = await c.artifacts.list(artifact_type="Document", scope_id=sid, limit=1)
        models.ListArtifactsResponse(**found)
        equal((await c.scopes.list_artifacts(sid))["artifacts"][0]["artifact_id"], a["artifact_id"])
        n = await c.notes.create(
            note_type="Insight",
            title="t",
            content=fresh("note"),
            source_trajectory_ids=[tid],
            source_artifact_ids=[a["artifact_id"]],
            ttl="LongTerm",
            metadata={"y": 2},
        )
        models.NoteResponse(**n)
        assert n["receipt_hash"]
        equal((await c.notes.get(n["note_id"]))["metadata"], {"y": 2})
        await c.notes.update(n["note_id"], title="u", content=fresh("new"), note_type="Fact", ttl="Persistent")
        models.ListNotesResponse(**await c.notes.list(note_type="Fact", limit=2, offset=0))
        helped = await c.assemble_context(tid, scope_id=sid, include_hierarchy=True)
        assert helped["turns"] and helped["notes"]
        for kind, item in (
            ("trajectories", {"name": "in a batch"}),
            ("notes", {"note_type": "Fact", "title": "b", "content": fresh("b")}),
        ):
            done = await c.batch.execute(kind, [{"operation": "create", "create": item}], stop_on_error=True)
            equal([done["succeeded"], done["failed"]], [1, 0], kind)
        ended = await c.trajectories.report_outcome(tid, {"status": "Success", "summary": "done"})
        equal([ended["status"], ended["outcome"]["status"]], ["completed", "Success"])
        equal((await c.trajectories.update(child["trajectory_id"], status="failed"))["status"], "failed")
        models.TrajectoryResponse(**await c.trajectories.get(tid))


@check("managers of agents")
async def managers_of_agents():
    async with client() as c:
        agent = await c.agents.register(
            agent_type="coder", capabilities=["code"], can_delegate_to=["reviewer"], reports_to=AGENT, metadata={"a": 1}
        )
        aid = agent["agent_id"]
        models.AgentResponse(**agent)
        changed = await c.agents.update(aid, capabilities=["x"], status="Active", can_delegate_to=[], metadata={})
        models.AgentResponse(**changed)
        models.HeartbeatResponse(**await c.agents.heartbeat(aid))
        models.ListAgentsResponse(**await c.agents.list(status="Active", agent_type="coder", limit=3, offset=0))
        lock = await c.locks.acquire(resource_id=fresh("r"), holder_id=aid, ttl_ms=60_000, metadata={"why": "test"})
        lid = lock["lock_id"]
        equal((await c.locks.get(lid))["metadata"], {"why": "test"})
        await c.locks.extend(lid, 5_000)
        held = await c.locks.list(resource_id=lock["resource_id"], holder_id=aid, limit=5, offset=0)
        equal([one["lock_id"] for one in held["locks"]], [lid])
        await c.locks.release(lid)
        name = fresh("intent")
        await c.intents.create(
            name=name,
            goals=["be quick"],
            resolution_rules=["ask first"],
            autonomy_level="Observer",
            delegation_boundaries={"deny": ["lock.acquired"]},
            alignment_signals=["latency"],
            drift_threshold=0.4,
        )
        equal((await c.intents.get(name))["name"], name)
        await c.intents.list(agent_id=AGENT, limit=3, offset=0)
        equal((await c.intents.update(name, drift_threshold=0.5))["drift_threshold"], 0.5)


@check("managers of the tenant")
async def managers_of_the_tenant():
    async with client() as c:
        settings = (await c.config.get())["config"]
        equal((await c.config.validate({"min_confidence": 0.2}))["valid"], True)
        await c.config.update({"min_confidence": settings["min_confidence"]})
        made = await c.api_keys.create(name=fresh("k"), scopes=["memory:read"], expires_at="2099-01-01T00:00:00Z")
        ids = [one["api_key_id"] for one in (await c.api_keys.list(limit=100, offset=0))["api_keys"]]
        assert made["key"].startswith("cst_") and made["api_key"]["api_key_id"] in ids
        t = await c.trajectories.create(name="x")
        events = (await c.http.get("/api/v1/event-dag", {"entity_id": t["trajectory_id"]}))["events"]
        node = await c.event_dag.get_node(events[0]["event_id"])
        equal(node["event_id"], events[0]["event_id"])
        for direction in ("ancestors", "descendants"):
            await c.event_dag.traverse(node["event_id"], direction)
        await c.event_dag.lca(node["event_id"], node["event_id"])
        await c.event_dag.find_by_kind(int(node["code"], 16), limit=2)


@check("admin keys")
async def keys_of_a_tenant_by_its_administrator():
    async with client() as c:
        made = await c.api_keys.create(name=fresh("k"))
        await c.api_keys.admin_list(TENANT, limit=2)
        await c.api_keys.admin_revoke(TENANT, made["api_key"]["api_key_id"])


@check("search")
async def search():
    async with client() as c:
        await c.search.search("x", entity_types=["Note"], limit=2, min_score=0.1)


@check("context")
async def context():
    async with client() as c:
        t, s = await opened(c)
        await c.context.assemble(t, s, user_input="x", max_tokens=500)


@check("alignment")
async def alignment():
    async with client() as c:
        await c.intents.score_alignment(AGENT)
        await c.intents.get_drift_report(AGENT)


@check("outcome graph")
async def outcome_graph():
    async with client() as c:
        t, _ = await opened(c)
        await c.trajectories.get_outcome_graph(t)


@check("client's own failures")
async def what_fails_in_the_client():
    async with client() as c:
        t, s = await opened(c)
        a = await artifact(c, t, s)
        n = await c.notes.create(note_type="Fact", title="t", content=fresh("x"))
        agent = await c.agents.register(agent_type="coder")
        for call in (
            c.trajectories.delete(t),
            c.artifacts.delete(a["artifact_id"]),
            c.notes.delete(n["note_id"]),
            c.agents.unregister(agent["agent_id"]),
            c.intents.delete("x"),
            SimpleMemory(api_key=KEY, base_url=URL).forget(n["note_id"]),
        ):
            await raises(TypeError, call)
        try:
            await c.trajectories.update(t, outcome={})
            raise AssertionError("TypeError was not raised: trajectories.update takes no outcome")
        except TypeError:
            pass
        headers = {"X-Api-Key": KEY, "X-Tenant-ID": TENANT, "Content-Type": "application/json"}
        async with httpx.AsyncClient(base_url=URL, headers=headers) as plain:
            for path in (f"notes/{n['note_id']}", f"artifacts/{a['artifact_id']}", f"agents/{agent['agent_id']}"):
                equal((await plain.delete(f"/api/v1/{path}")).status_code, 204, path)
            await plain.post(f"/api/v1/scopes/{s}/close")
            gone = await plain.delete(f"/api/v1/trajectories/{t}")
            equal((gone.status_code, gone.text), (204, ""))

    def sync_twice():
        memory = SimpleMemory(api_key=KEY, base_url=URL, user_id=fresh("sync"))
        memory.add_sync(fresh("first"))
        try:
            memory.add_sync(fresh("second"))
        except RuntimeError as error:
            assert "Event loop is closed" in str(error), str(error)
            return
        raise AssertionError("RuntimeError was not raised: the connection was not kept alive")

    await asyncio.to_thread(sync_twice)


def main():
    for name, function in checks:
        told = {"name": name, "absent": None, "error": None}
        try:
            asyncio.run(function())
        except CellstateError as error:
            where = traceback.extract_tb(error.__traceback__)
            line = next((one for one in where if one.filename == __file__), where[0])
            for one in where:
                if one.filename == __file__:
                    line = one
            if error.code == "ROUTE_NOT_FOUND":
                told["absent"] = line.line
            else:
                told["error"] = f"line {line.lineno}: {line.line}: {type(error).__name__} {error.code}: {error}"
        except BaseException as error:
            told["error"] = "".join(traceback.format_exception(error)[-4:])
        print(json.dumps(told), flush=True)


main()
