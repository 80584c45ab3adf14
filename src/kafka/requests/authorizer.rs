//! Whether a broker asks anybody what its clients may do.

use kafka_protocol::messages::DescribeAclsRequest;
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;

use crate::kafka::requests::ApiVersions;
use crate::kafka::{Connection, WireError, codes};

/// A principal of which there are no rules, so that the answer is short.
const NOBODY: &str = "User:pillion-asks-whether-there-are-rules";
/// `ResourceType`, `PatternType`, `AclOperation` and `AclPermissionType` alike: any of them.
const ANY: i8 = 1;

/// `DescribeAcls`: only a broker without an authorizer answers `SECURITY_DISABLED`; such a one hides nothing.
pub async fn has_authorizer(
    connection: &mut Connection,
    versions: &ApiVersions,
    deadline: Instant,
) -> Result<bool, WireError> {
    let version = versions.pick_for::<DescribeAclsRequest>(1, 3)?;
    let request = DescribeAclsRequest::default()
        .with_resource_type_filter(ANY)
        .with_resource_name_filter(None)
        .with_pattern_type_filter(ANY)
        .with_principal_filter(Some(StrBytes::from_static_str(NOBODY)))
        .with_host_filter(None)
        .with_operation(ANY)
        .with_permission_type(ANY);
    let answer = connection.call(version, &request, deadline).await?.message;
    Ok(answer.error_code != codes::SECURITY_DISABLED)
}
