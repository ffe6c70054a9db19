"""The Cognito calls with Amazon's own SDK: its model of the service checks our replies and names our errors."""
import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from client.http import Http
from client.people import PASSWORD, code_in, fresh_email
from client.pcx import Pcx


@pytest.fixture
def sdk(server):
    return botocore.session.Session().create_client(
        "cognito-idp", region_name="eu-west-1", endpoint_url=f"{server.url}/cognito",
        config=Config(signature_version=UNSIGNED, retries={"max_attempts": 0}))


@pytest.fixture
def client_id(server):
    return server.credentials["pcx"]["client_id"]


def test_a_person_comes_and_goes(sdk, client_id, sandbox, server):
    email, another = fresh_email(), PASSWORD + "2"

    def log_in(password):
        return sdk.initiate_auth(ClientId=client_id, AuthFlow="USER_PASSWORD_AUTH",
                                 AuthParameters={"USERNAME": email, "PASSWORD": password})["AuthenticationResult"]

    made = sdk.sign_up(ClientId=client_id, Username=email, Password=PASSWORD,
                       UserAttributes=[{"Name": "email", "Value": email}])
    assert made["UserConfirmed"] is False
    with pytest.raises(sdk.exceptions.UserNotConfirmedException):
        log_in(PASSWORD)
    with pytest.raises(sdk.exceptions.CodeMismatchException):
        sdk.confirm_sign_up(ClientId=client_id, Username=email, ConfirmationCode="000000")
    code = code_in(sandbox.message(email))
    sdk.confirm_sign_up(ClientId=client_id, Username=email, ConfirmationCode=code)
    with pytest.raises(sdk.exceptions.UsernameExistsException):
        sdk.sign_up(ClientId=client_id, Username=email, Password=PASSWORD)
    with pytest.raises(sdk.exceptions.NotAuthorizedException):
        log_in("wrong" + PASSWORD)

    tokens = log_in(PASSWORD)
    assert tokens["TokenType"] == "Bearer" and tokens["ExpiresIn"] > 0
    user = sdk.get_user(AccessToken=tokens["AccessToken"])
    assert {a["Name"]: a["Value"] for a in user["UserAttributes"]}["sub"] == made["UserSub"]
    sdk.change_password(AccessToken=tokens["AccessToken"], PreviousPassword=PASSWORD, ProposedPassword=another)
    fresh = sdk.initiate_auth(ClientId=client_id, AuthFlow="REFRESH_TOKEN_AUTH",
                              AuthParameters={"REFRESH_TOKEN": log_in(another)["RefreshToken"]})
    access = fresh["AuthenticationResult"]["AccessToken"]

    # What the SDK was given opens PCX's calls until the person logs out everywhere.
    headers = {"Authorization": f"Bearer {access}", "X-Api-Key": "NONE"}
    profile = f"{Pcx.prefix}/users/{user['Username']}"
    assert Http(server).get(profile, headers=headers).status != 401
    sdk.global_sign_out(AccessToken=access)
    assert Http(server).get(profile, headers=headers).status == 401
    with pytest.raises(sdk.exceptions.NotAuthorizedException):
        sdk.get_user(AccessToken=access)


def test_a_forgotten_password(sdk, client_id, sandbox):
    email = fresh_email()
    sdk.sign_up(ClientId=client_id, Username=email, Password=PASSWORD,
                UserAttributes=[{"Name": "email", "Value": email}])
    first = code_in(sandbox.message(email))
    sdk.confirm_sign_up(ClientId=client_id, Username=email, ConfirmationCode=first)
    assert sdk.forgot_password(ClientId=client_id, Username=email)["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"
    code = code_in(next(m for m in sandbox.inbox(email) if first not in str(m)))
    with pytest.raises(sdk.exceptions.InvalidPasswordException):
        sdk.confirm_forgot_password(ClientId=client_id, Username=email, ConfirmationCode=code, Password="short")
    sdk.confirm_forgot_password(ClientId=client_id, Username=email, ConfirmationCode=code, Password=PASSWORD + "3")
    sdk.initiate_auth(ClientId=client_id, AuthFlow="USER_PASSWORD_AUTH",
                      AuthParameters={"USERNAME": email, "PASSWORD": PASSWORD + "3"})


def test_parameters_it_does_not_know(sdk, client_id):
    with pytest.raises(sdk.exceptions.InvalidParameterException):
        sdk.initiate_auth(ClientId=client_id, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": "nobody"})
    with pytest.raises(sdk.exceptions.ResourceNotFoundException):
        sdk.initiate_auth(ClientId="nobody", AuthFlow="USER_PASSWORD_AUTH",
                          AuthParameters={"USERNAME": "nobody", "PASSWORD": "x"})
