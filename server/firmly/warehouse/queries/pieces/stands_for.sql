if(
    empty({merged:Array(UInt64)}),
    org_id,
    transform(org_id, {merged:Array(UInt64)}, {kept:Array(UInt64)}, org_id)
)
