"""The Cognito calls of an SDK, with PyJWT and a hand-written SRP client as independent parties."""
import base64
import datetime
import hashlib
import hmac
import os
import re

import jwt
import pytest

from client.http import Http, wait_until
from client.people import PASSWORD, code_in, fresh_email, register
from client.pcx import Cognito, PcxSession, Platform


class Caller:
    def __init__(self, cognito, client_id):
        self.cognito = cognito
        self.client_id = client_id

    def __call__(self, action, expect=200, **body):
        return self.cognito.call(action, {"ClientId": self.client_id, **body}, expect=expect).json

    def fails(self, action, kind, **body):
        reply = self.cognito.call(action, {"ClientId": self.client_id, **body}, expect=400)
        assert reply.json["__type"] == kind, reply
        assert reply.headers["x-amzn-errortype"] == kind
        assert reply.json["message"]
        return reply.json

    def password(self, username, password, **more):
        return dict(AuthFlow="USER_PASSWORD_AUTH",
                    AuthParameters={"USERNAME": username, "PASSWORD": password}, **more)


@pytest.fixture
def call(cognito, server):
    return Caller(cognito, server.credentials["pcx"]["client_id"])


@pytest.fixture
def person(server, sandbox):
    return register(server, sandbox)


def signed_in(call, person):
    return call("InitiateAuth", **call.password(person["email"], person["password"]))["AuthenticationResult"]


def verified(server, token, path="/cognito/.well-known/jwks.json", **options):
    keys = Http(server).get(path, expect=200).json["keys"]
    key = next(k for k in keys if k["kid"] == jwt.get_unverified_header(token)["kid"])
    assert (key["alg"], key["use"], key["kty"]) == ("RS256", "sig", "RSA")
    # The test clock may be ahead of ours: PyJWT would call the token not yet valid.
    checks = {"verify_iat": False, "verify_nbf": False, **options.pop("options", {})}
    return jwt.decode(token, jwt.PyJWK(key).key, algorithms=["RS256"], options=checks, **options)


def test_sign_up_confirm_and_in(call, sandbox, server):
    email = fresh_email()
    made = call("SignUp", Username=email, Password=PASSWORD,
                UserAttributes=[{"Name": "email", "Value": email}, {"Name": "given_name", "Value": "Ada"}])
    assert made["UserConfirmed"] is False
    assert made["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"
    assert email not in str(made)
    call.fails("SignUp", "UsernameExistsException", Username=email, Password=PASSWORD)
    call.fails("InitiateAuth", "UserNotConfirmedException", **call.password(email, PASSWORD))
    call.fails("ConfirmSignUp", "CodeMismatchException", Username=email, ConfirmationCode="x")
    first = code_in(sandbox.message(email))
    call("ResendConfirmationCode", Username=email)
    second = code_in(next(m for m in sandbox.inbox(email) if first not in str(m)))
    call.fails("ConfirmSignUp", "CodeMismatchException", Username=email, ConfirmationCode=first)
    call("ConfirmSignUp", Username=email, ConfirmationCode=second)
    call.fails("ConfirmSignUp", "NotAuthorizedException", Username=email, ConfirmationCode=second)
    tokens = call("InitiateAuth", **call.password(email, PASSWORD))["AuthenticationResult"]
    user = call("GetUser", AccessToken=tokens["AccessToken"])
    attributes = {a["Name"]: a["Value"] for a in user["UserAttributes"]}
    assert attributes["sub"] == made["UserSub"]
    assert (attributes["email"], attributes["given_name"]) == (email, "Ada")
    assert attributes["email_verified"] == "true"


def test_tokens_have_cognitos_claims(call, person, server):
    tokens = signed_in(call, person)
    assert tokens["TokenType"] == "Bearer" and tokens["ExpiresIn"] == 3600
    access = verified(server, tokens["AccessToken"], options={"require": ["exp", "iat", "sub", "iss", "jti"]})
    identity = verified(server, tokens["IdToken"], audience=call.client_id)
    assert access["token_use"] == "access" and identity["token_use"] == "id"
    assert access["client_id"] == identity["aud"] == call.client_id
    assert access["sub"] == identity["sub"]
    assert access["origin_jti"] == identity["origin_jti"]
    assert access["jti"] != identity["jti"]
    assert access["username"] == identity["cognito:username"]
    assert identity["email"] == person["email"] and identity["email_verified"] is True
    assert access["exp"] - access["iat"] == 3600
    pool = access["iss"][len(server.url):]
    assert access["iss"].startswith(server.url + "/cognito/")
    verified(server, tokens["AccessToken"], path=pool + "/.well-known/jwks.json", issuer=access["iss"])
    found = Http(server).get(pool + "/.well-known/openid-configuration", expect=200).json
    assert found["issuer"] == access["iss"]


def test_both_tokens_open_pcx(call, person, server):
    tokens = signed_in(call, person)
    for token in (tokens["AccessToken"], tokens["IdToken"]):
        PcxSession(server, person).get(f"/users/{person['user_id']}", expect=200, headers={
            "Authorization": "Bearer " + token, "X-Api-Key": "NONE"})


def test_wrong_credentials_tell_nothing(call, person):
    wrong = call.fails("InitiateAuth", "NotAuthorizedException", **call.password(person["email"], "Wrong1!x"))
    nobody = call.fails("InitiateAuth", "NotAuthorizedException", **call.password(fresh_email(), "Wrong1!x"))
    assert wrong == nobody


def test_lock_out(call, person):
    for _ in range(5):
        call.fails("InitiateAuth", "NotAuthorizedException", **call.password(person["email"], "Wrong1!x"))
    locked = call.fails("InitiateAuth", "NotAuthorizedException",
                        **call.password(person["email"], person["password"]))
    assert locked["message"] == "Password attempts exceeded"


def test_lock_out_tells_nothing(call, person, sandbox, server):
    """By name, by the id that a challenge shows, and through another dialect: nobody is locked out as somebody is."""
    def refusal(name, password):
        return call.fails("InitiateAuth", "NotAuthorizedException", **call.password(name, password))["message"]

    def course(name):
        shown = challenged(call, SrpClient(pool_of(call, server)), name)["USERNAME"]
        refusals = [refusal(spelt, "Wrong1!x") for spelt in (name, name.upper(), f" {name} ", shown, name)]
        return refusals + [refusal(spelt, person["password"]) for spelt in (name, shown)]

    nobody = fresh_email()
    somebody = course(person["email"])
    assert somebody == ["Incorrect username or password."] * 5 + ["Password attempts exceeded"] * 2
    assert course(nobody) == somebody
    Platform(server).post("/sessions", {"email": nobody, "password": "Wrong1!x"}, expect=429)
    assert refusal(fresh_email(), "Wrong1!x") == somebody[0]


def test_lock_out_of_nobody_ends(own_server):
    from client.sandbox import Sandbox
    server = own_server()
    call, nobody = Caller(Cognito(server), server.credentials["pcx"]["client_id"]), fresh_email()

    def message():
        return call.fails("InitiateAuth", "NotAuthorizedException", **call.password(nobody, "Wrong1!x"))["message"]

    for _ in range(2):
        assert [message() for _ in range(6)] == ["Incorrect username or password."] * 5 + ["Password attempts exceeded"]
        Sandbox(server).advance("PT31M")


def test_lock_out_ends(own_server):
    from client.sandbox import Sandbox
    server = own_server()
    call = Caller(Cognito(server), server.credentials["pcx"]["client_id"])
    who = server.credentials["pcx"]["user"]
    for _ in range(5):
        call.fails("InitiateAuth", "NotAuthorizedException", **call.password(who["email"], "Wrong1!x"))
    call.fails("InitiateAuth", "NotAuthorizedException", **call.password(who["email"], who["password"]))
    server.restart()
    call.fails("InitiateAuth", "NotAuthorizedException", **call.password(who["email"], who["password"]))
    Sandbox(server).advance("PT31M")
    signed_in(call, who)
    for _ in range(4):
        call.fails("InitiateAuth", "NotAuthorizedException", **call.password(who["email"], "Wrong1!x"))
    signed_in(call, who)


def test_refresh(call, person, server):
    tokens = signed_in(call, person)
    again = call("InitiateAuth", AuthFlow="REFRESH_TOKEN_AUTH",
                 AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]})["AuthenticationResult"]
    assert "RefreshToken" not in again
    assert again["AccessToken"] != tokens["AccessToken"]
    assert verified(server, again["AccessToken"])["origin_jti"] == verified(
        server, tokens["AccessToken"])["origin_jti"]
    for bad in ["", "rubbish", tokens["RefreshToken"][:-2] + "AA", tokens["AccessToken"]]:
        call.fails("InitiateAuth", "NotAuthorizedException", AuthFlow="REFRESH_TOKEN_AUTH",
                   AuthParameters={"REFRESH_TOKEN": bad})


def test_revoke(call, person):
    tokens = signed_in(call, person)
    other = signed_in(call, person)
    call("RevokeToken", Token=tokens["RefreshToken"])
    call("RevokeToken", Token=tokens["RefreshToken"])
    call.fails("InitiateAuth", "NotAuthorizedException", AuthFlow="REFRESH_TOKEN_AUTH",
               AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]})
    call.fails("GetUser", "NotAuthorizedException", AccessToken=tokens["AccessToken"])
    call("GetUser", AccessToken=other["AccessToken"])
    call.fails("GetUser", "NotAuthorizedException", AccessToken=other["IdToken"])


def test_forgotten_password(call, person, sandbox):
    old = signed_in(call, person)
    shown = call("ForgotPassword", Username=person["email"])
    code = code_in(sandbox.message(person["email"], "reset"))
    nobody = call("ForgotPassword", Username=fresh_email())
    assert set(shown["CodeDeliveryDetails"]) == set(nobody["CodeDeliveryDetails"])
    new = "N3w!password"
    call.fails("ConfirmForgotPassword", "InvalidPasswordException", Username=person["email"],
               ConfirmationCode=code, Password="weak")
    call.fails("ConfirmForgotPassword", "CodeMismatchException", Username=person["email"],
               ConfirmationCode="12345", Password=new)
    call("ConfirmForgotPassword", Username=person["email"], ConfirmationCode=code, Password=new)
    call.fails("ConfirmForgotPassword", "CodeMismatchException", Username=person["email"],
               ConfirmationCode=code, Password=new)  # used up: there is none any more
    call.fails("InitiateAuth", "NotAuthorizedException", **call.password(person["email"], person["password"]))
    call.fails("GetUser", "NotAuthorizedException", AccessToken=old["AccessToken"])
    signed_in(call, {**person, "password": new})


def test_a_wrong_code_does_not_tell_who_there_is(call, server, sandbox, cognito):
    """With a code sent, none sent, tried too often, not confirmed, unknown: one and the same answer."""
    asked, idle, tried = (register(server, sandbox) for _ in range(3))
    unconfirmed = register(server, sandbox, confirm=False)
    for person in (asked, tried):
        call("ForgotPassword", Username=person["email"])
    code = code_in(sandbox.message(tried["email"], "reset"))
    wrong = "000000" if code != "000000" else "111111"

    def answers(username):
        body = {"ClientId": call.client_id, "Username": username, "ConfirmationCode": wrong, "Password": PASSWORD}
        reply = cognito.call("ConfirmForgotPassword", body, expect=400)
        return reply.json, reply.headers["x-amzn-errortype"]

    for _ in range(6):
        answers(tried["email"])
    seen = [answers(name) for name in (asked["email"], idle["email"], tried["email"], unconfirmed["email"],
                                       asked["user"]["cognito_username"], fresh_email(), "nobody", "")]
    assert all(answer == seen[0] for answer in seen), seen
    assert seen[0][0]["__type"] == "CodeMismatchException"
    # Who holds the right code may know why it does not work any more.
    call.fails("ConfirmForgotPassword", "ExpiredCodeException", Username=tried["email"],
               ConfirmationCode=code, Password=PASSWORD)


def test_where_a_code_went_does_not_tell_who_there_is(call, person):
    def destination(username):
        shown = call("ForgotPassword", Username=username)["CodeDeliveryDetails"]
        assert (shown["AttributeName"], shown["DeliveryMedium"]) == ("email", "EMAIL")
        return shown["Destination"]

    shape = re.compile(r"[a-z]\*\*\*@[a-z]\*\*\*")
    nobody = fresh_email()
    for name in (person["email"], person["email"].upper(), person["user"]["cognito_username"], nobody,
                 nobody.upper(), "nobody"):
        assert shape.fullmatch(destination(name)), name
        assert destination(name) == destination(name)
    assert destination(person["email"].upper()) == destination(person["email"])
    assert destination(nobody.upper()) == destination(nobody)


def test_a_challenge_does_not_tell_who_there_is(call, person):
    """RFC 5054: somebody unknown has a salt and an id too, the same each time."""
    def challenge(username):
        shown = call("InitiateAuth", AuthFlow="USER_SRP_AUTH", AuthParameters={
            "USERNAME": username, "SRP_A": "ab" * 384})["ChallengeParameters"]
        assert set(shown) == {"SALT", "SECRET_BLOCK", "SRP_B", "USERNAME", "USER_ID_FOR_SRP"}
        assert shown["USERNAME"] == shown["USER_ID_FOR_SRP"]
        return shown["SALT"], shown["USERNAME"]

    shape = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    nobody = fresh_email()
    for name in (person["email"], nobody):
        salt, user_id = challenge(name)
        assert challenge(name) == challenge(name.upper()) == (salt, user_id)
        assert shape.fullmatch(user_id) and 24 < len(salt) <= 34
    assert challenge(nobody) != challenge(fresh_email())


def test_codes_are_few(server, sandbox, call):
    """Each code may be guessed at five times: who could ask for ever more of them would get in at last."""
    person = register(server, sandbox)
    for _ in range(8):
        call("ForgotPassword", Username=person["email"])

    def mails():
        return [mail for mail in sandbox.inbox(person["email"]) if "reset" in str(mail)]

    wait_until(lambda: len(mails()) == 5, what="five mails")
    code = code_in(mails()[0])
    call("ConfirmForgotPassword", Username=person["email"], ConfirmationCode=code,
         Password="An0ther!password")
    assert len(mails()) == 5


def test_change_password(call, person):
    tokens = signed_in(call, person)
    new = "N3w!password"
    call.fails("ChangePassword", "NotAuthorizedException", AccessToken=tokens["AccessToken"],
               PreviousPassword="Wrong1!x", ProposedPassword=new)
    call.fails("ChangePassword", "InvalidPasswordException", AccessToken=tokens["AccessToken"],
               PreviousPassword=person["password"], ProposedPassword="weak")
    call("ChangePassword", AccessToken=tokens["AccessToken"], PreviousPassword=person["password"],
         ProposedPassword=new)
    signed_in(call, {**person, "password": new})


def test_what_is_not_there(call, cognito, server):
    call.fails("AdminCreateUser", "UnknownOperationException")
    call.fails("InitiateAuth", "InvalidParameterException", AuthFlow="CUSTOM_AUTH")
    for action in ["SignUp", "InitiateAuth", "ForgotPassword"]:
        reply = cognito.call(action, {"ClientId": "nobody"}, expect=400)
        assert reply.json["__type"] == "ResourceNotFoundException"
    reply = cognito.send("POST", "/", raw="{", expect=400, headers={
        "X-Amz-Target": "AWSCognitoIdentityProviderService.SignUp"})
    assert reply.json["__type"] == "SerializationException"


# ---- SRP, as Amazon's own clients do it, written from their documentation with Python's integers ----

PRIME = int(re.sub(r"\s", "", """
FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD
EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED
EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F
83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B
E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510
15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7
ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C
BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF
"""), 16)


def pad(number):
    text = f"{number:x}" if isinstance(number, int) else number
    text = "0" + text if len(text) % 2 else text
    return bytes.fromhex("00" + text if text[0] in "89abcdefABCDEF" else text)


def digest(data):
    return hashlib.sha256(data).digest()


class SrpClient:
    def __init__(self, pool_id):
        self.pool = pool_id.split("_", 1)[1]
        self.a = int.from_bytes(os.urandom(128), "big") % PRIME
        self.public = pow(2, self.a, PRIME)

    def answer(self, challenge, password):
        user, b = challenge["USER_ID_FOR_SRP"], int(challenge["SRP_B"], 16)
        k = int(digest(pad(PRIME) + pad(2)).hex(), 16)
        u = int(digest(pad(self.public) + pad(b)).hex(), 16)
        inner = digest(f"{self.pool}{user}:{password}".encode())
        x = int(digest(pad(int(challenge["SALT"], 16)) + inner).hex(), 16)
        s = pow((b - k * pow(2, x, PRIME)) % PRIME, self.a + u * x, PRIME)
        extracted = hmac.new(pad(u), pad(s), hashlib.sha256).digest()
        key = hmac.new(extracted, b"Caldera Derived Key\x01", hashlib.sha256).digest()[:16]
        now = datetime.datetime.now(datetime.timezone.utc)
        timestamp = now.strftime("%a %b ") + str(now.day) + now.strftime(" %H:%M:%S UTC %Y")
        block = base64.b64decode(challenge["SECRET_BLOCK"])
        message = self.pool.encode() + user.encode() + block + timestamp.encode()
        return {"TIMESTAMP": timestamp, "USERNAME": user,
                "PASSWORD_CLAIM_SECRET_BLOCK": challenge["SECRET_BLOCK"],
                "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(
                    hmac.new(key, message, hashlib.sha256).digest()).decode()}


def pool_of(call, server):
    """The pool's id: the end of the issuer of any of its tokens."""
    who = server.credentials["pcx"]["user"]
    token = signed_in(call, who)["AccessToken"]
    return jwt.decode(token, options={"verify_signature": False})["iss"].rsplit("/", 1)[1]


def challenged(call, client, username):
    answer = call("InitiateAuth", AuthFlow="USER_SRP_AUTH", AuthParameters={
        "USERNAME": username, "SRP_A": f"{client.public:x}"})
    assert answer["ChallengeName"] == "PASSWORD_VERIFIER"
    return answer["ChallengeParameters"]


def test_srp(call, person, server):
    client = SrpClient(pool_of(call, server))
    challenge = challenged(call, client, person["email"])
    tokens = call("RespondToAuthChallenge", ChallengeName="PASSWORD_VERIFIER",
                  ChallengeResponses=client.answer(challenge, person["password"]))["AuthenticationResult"]
    call("GetUser", AccessToken=tokens["AccessToken"])


def test_srp_lock_out_tells_nothing(call, person, server):
    client = SrpClient(pool_of(call, server))

    def course(name):
        def attempt(**changes):
            challenge = challenged(call, client, name)
            return len(challenge["SECRET_BLOCK"]), call.fails(
                "RespondToAuthChallenge", "NotAuthorizedException", ChallengeName="PASSWORD_VERIFIER",
                ChallengeResponses={**client.answer(challenge, "Wrong1!x"), **changes})["message"]
        lengths, refusals = zip(attempt(), attempt(PASSWORD_CLAIM_SIGNATURE="?"), *[attempt() for _ in range(4)])
        return max(lengths), refusals

    assert course(fresh_email()) == course(person["email"])
    assert course(person["email"])[1][0] == "Password attempts exceeded"


def test_srp_refuses(call, person, server):
    client = SrpClient(pool_of(call, server))
    challenge = challenged(call, client, person["email"])
    call.fails("RespondToAuthChallenge", "NotAuthorizedException", ChallengeName="PASSWORD_VERIFIER",
               ChallengeResponses=client.answer(challenge, "Wrong1!x"))
    nobody = challenged(call, client, fresh_email())
    assert set(nobody) == set(challenge)
    call.fails("RespondToAuthChallenge", "NotAuthorizedException", ChallengeName="PASSWORD_VERIFIER",
               ChallengeResponses=client.answer(nobody, "Wrong1!x"))
    call.fails("RespondToAuthChallenge", "NotAuthorizedException", ChallengeName="PASSWORD_VERIFIER",
               ChallengeResponses={**client.answer(challenge, person["password"]),
                                   "PASSWORD_CLAIM_SECRET_BLOCK": "AAAA"})
    for bad in ["0", f"{PRIME:x}", "rubbish", ""]:
        call.fails("InitiateAuth", "InvalidParameterException", AuthFlow="USER_SRP_AUTH",
                   AuthParameters={"USERNAME": person["email"], "SRP_A": bad})
