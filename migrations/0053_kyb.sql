-- Know-your-business records: one per review. Documents hold tax numbers, so they are sealed.
CREATE TABLE kyb_record (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    status TEXT NOT NULL,
    business_info TEXT,
    documents BYTEA,
    reviewed_by TEXT,
    review_notes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX kyb_record_by_organisation ON kyb_record (tenant_id, organisation_id, id);
CREATE INDEX kyb_record_by_status ON kyb_record (tenant_id, status, id);
