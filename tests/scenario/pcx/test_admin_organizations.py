"""Administration of organisations: list, status, disabling."""


def test_list_status_disable(pcx, pcx_admin):
    made = pcx_admin.post("/organizations", {
        "org_name": "Administered", "country": "NG", "created_by": pcx_admin.user_id}, expect=201).data
    page = pcx_admin.get("/organizations/admin/all", {"limit": 1}, expect=200).data
    assert page["organizations"][0]["org_id"] == made["org_id"] and page["lastEvaluatedKey"]
    following = pcx_admin.get("/organizations/admin/all", {
        "limit": 1, "lastEvaluatedKey": page["lastEvaluatedKey"]}, expect=200).data
    assert following["organizations"][0]["org_id"] != made["org_id"]
    pcx_admin.get("/organizations/admin/all", {"lastEvaluatedKey": "spoiled"}, expect=400)

    def status():
        return pcx_admin.get(f"/organizations/{made['org_id']}", expect=200).data["status"]

    path = f"/organizations/admin/status/{made['org_id']}"
    for value in ("suspended", "inactive", "active"):
        pcx_admin.put(path, {"status": value, "reason": "test"}, expect=200)
        assert status() == value
    assert "status" in pcx_admin.put(path, {"status": "sleepy"}, expect=400).json["message"]
    pcx_admin.put("/organizations/admin/status/org_0000000000001", {"status": "active"}, expect=404)
    for _ in range(2):
        pcx_admin.put(f"/organizations/admin/disable/{made['org_id']}", expect=200)
        assert status() == "inactive"
    pcx.put(path, {"status": "active"}, expect=403)
    pcx.get("/organizations/admin/all", expect=403)
