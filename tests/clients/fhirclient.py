"""A launch with fhirclient of PyPI.

Told by one JSON argument; writes one line of JSON: what the app has learned, or why it refused.
"""

import json
import sys

import requests
from fhirclient import client
from fhirclient.models.observation import Observation
from fhirclient.models.practitioner import Practitioner

told = json.loads(sys.argv[1])


def sign_in():
    settings = {
        "app_id": told["clientId"],
        "api_base": told["iss"],
        "redirect_uri": "http://127.0.0.1:8765/callback",
        "scope": told["scope"],
    }
    if told.get("launch"):
        settings["launch_token"] = told["launch"]
    if told.get("secret"):
        settings["app_secret"] = told["secret"]
    smart = client.FHIRClient(settings=settings)
    answer = requests.get(smart.authorize_url, allow_redirects=False, timeout=30)
    if answer.status_code != 302:
        raise Exception(f"the EHR: {answer.text}")
    smart.handle_callback(answer.headers["location"])
    first = smart.server.auth.access_token
    # Its models are strict: a member that FHIR does not know, or of another type, is an error.
    observations = Observation.where({"patient": smart.patient_id}).perform_resources(smart.server)
    practitioner = Practitioner.read("dr-smith", smart.server)
    learned = {
        "patient": smart.patient_id,
        "encounter": smart.launch_context.get("encounter"),
        "scope": smart.launch_context.get("scope"),
        "patientName": smart.human_name(smart.patient.name[0]),
        "practitionerName": practitioner.name[0].family,
        "observations": len(observations),
        "fhirVersion": smart.server.capabilityStatement.fhirVersion,
    }
    if smart.server.auth.refresh_token:
        learned["isRefreshed"] = smart.reauthorize() and smart.server.auth.access_token != first
        learned["patientAfterRefresh"] = smart.patient_id
    return learned


try:
    said = {"learned": sign_in()}
except Exception as error:  # Its errors have no type of their own.
    response = getattr(error, "response", None)
    status = f" {response.status_code}" if response is not None else ""
    said = {"refused": f"{type(error).__name__}{status}: {error}"}
print(json.dumps(said))
