"""A part of Qdrant's REST interface in front of Qdrant's own segment engine (qdrant-edge-py).

Requests are read by the models of qdrant-client, which Qdrant generates from its OpenAPI document and
which refuse unknown fields; answers are written by the same models. So what this accepts has the
shape that a server accepts, and what it finds is what the engine of a server finds. What it cannot
show is a server: no shards, no replicas, no optimiser in the background, no limits of its own.

Usage: qdrant_edge_server.py FOLDER [PORT]. Prints its port; ends with its standard input.
The environment variable QDRANT_KEY is the key it wants.
"""

import json
import os
import re
import shutil
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import qdrant_edge as edge
from pydantic import TypeAdapter, ValidationError
from qdrant_client.http import models

VERSION = "1.17.0"
KEY = os.environ.get("QDRANT_KEY")
FOLDER = sys.argv[1]
LARGEST_REQUEST = 32 << 20  # the server's default


class Refused(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def read(model, body):
    try:
        return TypeAdapter(model).validate_json(body)
    except ValidationError as error:
        raise Refused(400, f"Format error in JSON body: {error.errors()[0]['loc']} {error.errors()[0]['msg']}")


def condition(one):
    if isinstance(one, models.HasIdCondition):
        return edge.HasIdCondition({str(point) if not isinstance(point, int) else point for point in one.has_id})
    if isinstance(one, models.FieldCondition):
        if isinstance(one.match, models.MatchValue):
            return edge.FieldCondition(one.key, match=edge.MatchValue(one.match.value))
        if isinstance(one.match, models.MatchAny):
            return edge.FieldCondition(one.key, match=edge.MatchAny(list(one.match.any)))
    raise Refused(400, f"this part of the interface is not here: {one!r}")


def conditions(some):
    if some is None:
        return None
    return [condition(one) for one in (some if isinstance(some, list) else [some])]


def filtered(some):
    if some is None:
        return None
    if some.should or some.min_should:
        raise Refused(400, "this part of the interface is not here: should")
    return edge.Filter(must=conditions(some.must), must_not=conditions(some.must_not))


def vector_in(vector):
    if isinstance(vector, models.SparseVector):
        return edge.SparseVector(vector.indices, vector.values)
    return vector


def vectors_in(vector):
    if not isinstance(vector, dict):
        raise Refused(400, "Not existing vector name error: ")
    return {name: vector_in(one) for name, one in vector.items()}


def vector_out(vector):
    if isinstance(vector, edge.SparseVector):
        return {"indices": vector.indices, "values": vector.values}
    return vector


def vectors_out(vectors):
    return None if vectors is None else {name: vector_out(one) for name, one in vectors.items()}


def record(one):
    return models.Record(id=str(one.id), payload=one.payload, vector=vectors_out(one.vector))


def dense(params):
    return edge.EdgeVectorParams(
        params.size,
        getattr(edge.Distance, params.distance.value),
        on_disk=params.on_disk,
        datatype=getattr(edge.VectorStorageDatatype, (params.datatype or models.Datatype.FLOAT32).value.capitalize()),
    )


class Collection:
    def __init__(self, name, written=None):
        self.folder = os.path.join(FOLDER, name)
        self.lock = threading.Lock()
        shard = os.path.join(self.folder, "shard")
        plan = os.path.join(self.folder, "plan.json")
        if written is None:
            self.plan = read(models.CreateCollection, open(plan, "rb").read())
            self.shard = edge.EdgeShard.load(shard)
            return
        self.plan = read(models.CreateCollection, written)
        os.makedirs(shard)
        self.shard = edge.EdgeShard.create(
            shard,
            edge.EdgeConfig(
                vectors={name: dense(params) for name, params in self.plan.vectors.items()},
                sparse_vectors={name: edge.EdgeSparseVectorParams() for name in self.plan.sparse_vectors},
            ),
        )
        with open(plan, "wb") as file:
            file.write(written)

    def info(self):
        with self.lock:
            info = self.shard.info()
        return models.CollectionInfo(
            status="green",
            optimizer_status="ok",
            points_count=info.points_count,
            indexed_vectors_count=info.indexed_vectors_count,
            segments_count=info.segments_count,
            payload_schema={},
            config=models.CollectionConfig(
                params=models.CollectionParams(
                    vectors=self.plan.vectors, sparse_vectors=self.plan.sparse_vectors
                ),
                hnsw_config=models.HnswConfig(m=16, ef_construct=100, full_scan_threshold=10000),
                optimizer_config=models.OptimizersConfig(
                    deleted_threshold=0.2, vacuum_min_vector_number=1000, default_segment_number=0, flush_interval_sec=5
                ),
            ),
        )

    def update(self, operation):
        with self.lock:
            self.shard.update(operation)
        return models.UpdateResult(operation_id=0, status="completed")

    def index(self, body):
        asked = read(models.CreateFieldIndex, body)
        schema = asked.field_schema
        schema = schema.value if hasattr(schema, "value") else str(schema)
        kind = getattr(edge.PayloadSchemaType, schema.capitalize())
        return self.update(edge.UpdateOperation.create_field_index(asked.field_name, kind))

    def upsert(self, body):
        asked = read(models.PointsList, body)
        points = [edge.Point(str(point.id), vectors_in(point.vector), point.payload) for point in asked.points]
        return self.update(edge.UpdateOperation.upsert_points(points))

    def erase(self, body):
        asked = read(models.PointIdsList, body)
        return self.update(edge.UpdateOperation.delete_points([str(point) for point in asked.points]))

    def retrieve(self, body):
        asked = read(models.PointRequest, body)
        with self.lock:
            found = self.shard.retrieve(
                [str(point) for point in asked.ids], with_payload=asked.with_payload, with_vector=asked.with_vector
            )
        return [record(one) for one in found]

    def query(self, body):
        asked = read(models.QueryRequest, body)
        query = edge.Query.Nearest(vector_in(asked.query), using=asked.using)
        exact = bool(asked.params and asked.params.exact)
        request = edge.QueryRequest(
            limit=asked.limit,
            query=query,
            filter=filtered(asked.filter),
            with_payload=asked.with_payload,
            params=edge.SearchParams(exact=exact),
        )
        with self.lock:
            found = self.shard.query(request)
        return models.QueryResponse(
            points=[
                models.ScoredPoint(id=str(one.id), version=one.version, score=one.score, payload=one.payload)
                for one in found
            ]
        )

    def scroll(self, body):
        asked = read(models.ScrollRequest, body)
        request = edge.ScrollRequest(
            offset=None if asked.offset is None else str(asked.offset),
            limit=asked.limit,
            filter=filtered(asked.filter),
            with_payload=asked.with_payload,
            with_vector=asked.with_vector,
        )
        with self.lock:
            found, following = self.shard.scroll(request)
        return models.ScrollResult(
            points=[record(one) for one in found], next_page_offset=None if following is None else str(following)
        )

    def count(self, body):
        asked = read(models.CountRequest, body)
        with self.lock:
            return models.CountResult(count=self.shard.count(edge.CountRequest(asked.exact, filtered(asked.filter))))


class Server:
    def __init__(self):
        self.lock = threading.Lock()
        os.makedirs(FOLDER, exist_ok=True)
        self.aliases_path = os.path.join(FOLDER, "aliases.json")
        self.aliases = {}
        if os.path.exists(self.aliases_path):
            self.aliases = json.load(open(self.aliases_path))
        self.collections = {}
        for name in os.listdir(FOLDER):
            if os.path.exists(os.path.join(FOLDER, name, "plan.json")):
                self.collections[name] = Collection(name)

    def collection(self, name):
        found = self.collections.get(self.aliases.get(name, name))
        if found is None:
            raise Refused(404, f"Not found: Collection `{name}` doesn't exist!")
        return found

    def create(self, name, body):
        with self.lock:
            if name in self.collections or name in self.aliases:
                raise Refused(409, f"Wrong input: Collection `{name}` already exists!")
            self.collections[name] = Collection(name, body)
        return True

    def delete(self, name):
        with self.lock:
            gone = self.collections.pop(name, None)
            self.aliases = {alias: of for alias, of in self.aliases.items() if of != name}
            self.write_aliases()
        if gone is not None:
            with gone.lock:
                gone.shard.close()
            shutil.rmtree(gone.folder)
        return gone is not None

    def change_aliases(self, body):
        asked = read(models.ChangeAliasesOperation, body)
        with self.lock:
            aliases = dict(self.aliases)
            for action in asked.actions:
                if isinstance(action, models.DeleteAliasOperation):
                    aliases.pop(action.delete_alias.alias_name, None)
                elif isinstance(action, models.CreateAliasOperation):
                    wanted = action.create_alias
                    if wanted.collection_name not in self.collections:
                        raise Refused(404, f"Not found: Collection `{wanted.collection_name}` doesn't exist!")
                    aliases[wanted.alias_name] = wanted.collection_name
                else:
                    raise Refused(400, "this part of the interface is not here")
            self.aliases = aliases
            self.write_aliases()
        return True

    def write_aliases(self):
        with open(self.aliases_path + ".new", "w") as file:
            json.dump(self.aliases, file)
        os.replace(self.aliases_path + ".new", self.aliases_path)

    def answer(self, method, path, body):
        of = lambda name: self.collection(name)
        if (method, path) == ("GET", "/collections"):
            named = [models.CollectionDescription(name=name) for name in sorted(self.collections)]
            return models.CollectionsResponse(collections=named)
        if (method, path) == ("GET", "/aliases"):
            named = [
                models.AliasDescription(alias_name=alias, collection_name=name) for alias, name in self.aliases.items()
            ]
            return models.CollectionsAliasesResponse(aliases=named)
        if (method, path) == ("POST", "/collections/aliases"):
            return self.change_aliases(body)
        routes = [
            ("GET", r"/collections/([^/]+)", lambda name: of(name).info()),
            ("PUT", r"/collections/([^/]+)", lambda name: self.create(name, body)),
            ("DELETE", r"/collections/([^/]+)", lambda name: self.delete(name)),
            ("PUT", r"/collections/([^/]+)/index", lambda name: of(name).index(body)),
            ("PUT", r"/collections/([^/]+)/points", lambda name: of(name).upsert(body)),
            ("POST", r"/collections/([^/]+)/points", lambda name: of(name).retrieve(body)),
            ("POST", r"/collections/([^/]+)/points/delete", lambda name: of(name).erase(body)),
            ("POST", r"/collections/([^/]+)/points/query", lambda name: of(name).query(body)),
            ("POST", r"/collections/([^/]+)/points/scroll", lambda name: of(name).scroll(body)),
            ("POST", r"/collections/([^/]+)/points/count", lambda name: of(name).count(body)),
        ]
        for wanted, pattern, run in routes:
            match = re.fullmatch(pattern, path)
            if match and wanted == method:
                return run(match.group(1))
        raise Refused(404, "")


def plain(value):
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, body, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        url = urlsplit(self.path)
        if KEY and self.headers.get("api-key") != KEY:
            return self.say(401, b"Must provide an API key or an Authorization bearer token", "text/plain")
        if url.path == "/":
            return self.say(200, {"title": "qdrant - vector search engine", "version": VERSION, "commit": "none"})
        try:
            if length > LARGEST_REQUEST:
                raise Refused(400, f"JSON payload ({length} bytes) is larger than allowed (limit: {LARGEST_REQUEST} bytes).")
            if set(parse_qs(url.query)) - {"wait", "timeout"}:
                raise Refused(400, f"unknown parameters: {url.query}")
            result = SERVER.answer(self.command, url.path, body)
            self.say(200, {"result": plain(result), "status": "ok", "time": 0.0})
        except Refused as refused:
            self.say(refused.status, {"status": {"error": str(refused)}, "time": 0.0})
        except Exception as error:
            self.say(400, {"status": {"error": f"Wrong input: {error}"}, "time": 0.0})

    do_GET = do_PUT = do_POST = do_DELETE = handle_any


SERVER = Server()
HTTP = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Handler)
HTTP.daemon_threads = True
print(HTTP.server_address[1], flush=True)
threading.Thread(target=HTTP.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
